"""An exported network gives the embeddings, the mask and the score of the network."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from focal_mmseg.apis import FOCALInferencer
from focal_mmseg.apis.export import TOLERANCE, EmbeddingNetwork, example, export_onnx
from focal_mmseg.apis.traceable import make_traceable
from focal_mmseg.datasets.synthesis import load_packaged
from focal_mmseg.deploy import ONNXLocaliser
from focal_mmseg.utils import ConfigError, read_config
from focal_mmseg.weights import find_config

pytest.importorskip('onnx', reason='needs the extra export')
pytest.importorskip('onnxruntime', reason='needs the extra export')

WITHOUT_MMSEG = """
import importlib.util, json, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == 'mmseg' else find(name, *rest)
class Missing:
    def find_spec(self, name, *rest):
        if name.partition('.')[0] in ('mmseg', 'mmcv', 'mmengine', 'mmpretrain'):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
import numpy as np
from focal_mmseg.deploy import ONNXLocaliser
found = ONNXLocaliser(sys.argv[1], threads=1)(np.load(sys.argv[2]))
np.savez(sys.argv[3], mask=found.mask, score=found.score)
assert not {'mmseg', 'mmcv', 'mmengine'} & set(sys.modules)
"""


@pytest.fixture(scope='module')
def focal() -> FOCALInferencer:
    # A calibration is no part of a network.
    return FOCALInferencer(device='cpu', calibration='none')


@pytest.fixture(scope='module')
def file(focal: FOCALInferencer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('export') / 'focal_lite.onnx'
    done = export_onnx(focal, path)
    assert len(done.differences) == 4 and max(done.differences.values()) <= TOLERANCE
    return path


def loaded(focal: FOCALInferencer, path: Path) -> tuple[np.ndarray, dict]:
    """What the test pipeline gives."""
    packed = focal._from_file(dict(img_path=str(path)))
    return packed['inputs'].numpy().astype(np.float32), packed['data_samples'].metainfo


def test_embeddings_are_the_networks_at_sizes_that_were_not_checked(focal: FOCALInferencer, file: Path) -> None:
    network = EmbeddingNetwork(focal.model)
    localiser = ONNXLocaliser(file, threads=1)
    # The last one is of more points than SelfCorrelation takes: it is pooled inside.
    for size in ((8, 8), (16, 24), (40, 312), (528, 536)):
        image = example(5, size, seed=9)
        with torch.no_grad():
            wanted = network(image)[0].numpy()
        np.testing.assert_allclose(localiser.embed(image[0].numpy()), wanted, atol=TOLERANCE)


@pytest.mark.parametrize('side', [(250, 187), (96, 1160)])
def test_mask_and_score_are_those_of_the_inferencer(
    focal: FOCALInferencer, file: Path, tmp_path: Path, side: tuple[int, int]
) -> None:
    image = cv2.resize(load_packaged('coffee')[..., ::-1], side[::-1])
    # Within one window, and by two, and both with a border that fills up blocks.
    cv2.imwrite(str(tmp_path / 'a.jpg'), image)
    wanted = focal(tmp_path / 'a.jpg')
    inputs, meta = loaded(focal, tmp_path / 'a.jpg')
    found = ONNXLocaliser(file, threads=1)(inputs, meta['img_padding_size'])
    assert found.mask.shape == side
    np.testing.assert_allclose(found.score, wanted.score, atol=2e-3)
    assert (found.mask != wanted.mask).mean() < 1e-3
    assert found.image_score == pytest.approx(wanted.summary['image_score'], abs=1e-3)


def test_clustering_needs_nothing_of_the_mm_stack(file: Path, tmp_path: Path) -> None:
    image = example(5, (64, 96))[0].numpy()
    np.save(tmp_path / 'image.npy', image)
    command = [sys.executable, '-c', WITHOUT_MMSEG, file, tmp_path / 'image.npy', tmp_path / 'found.npz']
    ran = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    here = ONNXLocaliser(file, threads=1)(image)
    with np.load(tmp_path / 'found.npz') as there:
        np.testing.assert_array_equal(there['mask'], here.mask)
        np.testing.assert_array_equal(there['score'], here.score)


def test_the_file_says_what_goes_with_it(file: Path) -> None:
    contract = ONNXLocaliser(file).contract
    assert contract['clusterer'] == dict(type='PristineCentreClusterer')
    assert contract['gate'] == dict(read_config(find_config('focal_lite')).model.decode_head.gate)
    assert (contract['channels'], contract['opset'], contract['input_size']) == (5, 17, None)
    assert 'LoadJPEGArtifacts' in contract['test_pipeline']


def test_a_network_of_three_channels_normalises_inside_and_keeps_one_size(
    trained: tuple[Path, Path], image_path: Path, tmp_path: Path
) -> None:
    focal = FOCALInferencer(*trained, device='cpu')
    done = export_onnx(focal, tmp_path / 'hrnet.onnx', size=(128, 128))
    assert list(done.differences) == [(128, 128)]
    inputs, meta = loaded(focal, image_path)
    localiser = ONNXLocaliser(tmp_path / 'hrnet.onnx', threads=1)
    found, wanted = localiser(inputs, size=meta['ori_shape'][:2]), focal(image_path)
    assert found.mask.shape == wanted.mask.shape
    assert (found.mask != wanted.mask).mean() < 0.01
    with pytest.raises(ValueError, match='exported for images of 128x128'):
        localiser(inputs[:, :64])


def test_what_cannot_be_exported_is_refused(
    classifier: tuple[Path, Path], focal: FOCALInferencer, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match='FCNHead cannot be exported'):
        export_onnx(FOCALInferencer(*classifier, device='cpu'), tmp_path / 'a.onnx')
    with pytest.raises(ConfigError, match='multiples of 8'):
        export_onnx(focal, tmp_path / 'a.onnx', size=(100, 100))
    assert not list(tmp_path.iterdir())


def test_bad_input_is_named(file: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match='does not exist'):
        ONNXLocaliser(tmp_path / 'nowhere.onnx')
    (tmp_path / 'damaged.onnx').write_bytes(b'no network')
    with pytest.raises(ValueError, match='cannot be read as an ONNX file'):
        ONNXLocaliser(tmp_path / 'damaged.onnx')
    with pytest.raises(ValueError, match=r'expected float32 of shape \(5, H, W\)'):
        ONNXLocaliser(file)(np.zeros((3, 64, 64), np.float32))


def test_the_traceable_form_leaves_the_network_alone(focal: FOCALInferencer) -> None:
    before = [type(each) for each in focal.model.modules()]
    copied = make_traceable(focal.model)
    assert [type(each) for each in focal.model.modules()] == before
    assert [type(each) for each in copied.modules()] != before


def test_the_tool_says_what_it_wrote(
    root: Path, run_tool: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    run_tool(root / 'tools' / 'model_converters' / 'export.py', tmp_path / 'lite.onnx', '--size', '64', '72')
    assert ONNXLocaliser(tmp_path / 'lite.onnx').contract['input_size'] == [64, 72]
    assert 'ONNX opset 17' in capsys.readouterr().out
