"""FOCALInferencer, and mmseg's own inference on the same config and checkpoint."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.apis import MMSegInferencer, inference_model, init_model
from mmseg.structures import SegDataSample

from focal_mmseg.apis import FOCALInferencer
from focal_mmseg.apis.inferencer import cluster_image, describe_sources
from focal_mmseg.clustering import localise
from focal_mmseg.engine.checkpoint import load_weights
from focal_mmseg.models.embedding_maps import LocalisedMap
from focal_mmseg.models.segmentors.clustering_fields import write_clustering
from focal_mmseg.utils import ConfigError


@pytest.fixture(scope='module')
def focal(trained: tuple[Path, Path]) -> FOCALInferencer:
    return FOCALInferencer(*trained, device='cpu')


def test_a_path_and_an_array_give_the_same(focal: FOCALInferencer, image_path: Path) -> None:
    by_path, by_array = focal(image_path), focal(cv2.imread(str(image_path)))
    np.testing.assert_array_equal(by_path.mask, by_array.mask)
    np.testing.assert_array_equal(by_path.score, by_array.score)


def test_mask_and_score_agree_at_the_images_size(focal: FOCALInferencer, image_path: Path) -> None:
    prediction = focal(image_path)
    assert prediction.mask.shape == prediction.score.shape == (90, 150)
    assert prediction.mask.dtype == np.uint8
    np.testing.assert_array_equal(prediction.mask == 255, prediction.score > 0.5)
    assert prediction.summary['forged_share'] == pytest.approx((prediction.mask == 255).mean(), abs=1e-5)


def test_mmsegs_inference_model_gives_the_same_mask(
    trained: tuple[Path, Path], focal: FOCALInferencer, image_path: Path
) -> None:
    model = init_model(str(trained[0]), str(trained[1]), device='cpu')
    sample = inference_model(model, str(image_path))
    np.testing.assert_array_equal(sample.pred_sem_seg.data[0].numpy() * 255, focal(image_path).mask)
    by_array = inference_model(model, cv2.imread(str(image_path)))
    assert torch.equal(by_array.pred_sem_seg.data, sample.pred_sem_seg.data)


def test_mmsegs_inferencer_gives_the_same_mask(
    trained: tuple[Path, Path], focal: FOCALInferencer, image_path: Path
) -> None:
    inferencer = MMSegInferencer(str(trained[0]), str(trained[1]), device='cpu')
    np.testing.assert_array_equal(inferencer(str(image_path))['predictions'] * 255, focal(image_path).mask)


def test_a_missing_image_is_named(focal: FOCALInferencer) -> None:
    with pytest.raises(FileNotFoundError, match=r'nowhere\.png does not exist'):
        focal('nowhere.png')


@pytest.mark.parametrize(
    'array', [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)]
)
def test_an_array_of_another_form_is_refused(focal: FOCALInferencer, array: np.ndarray) -> None:
    with pytest.raises(ValueError, match='expected a uint8 array'):
        focal(array)


def test_a_checkpoint_of_another_backbone_is_refused(trained: tuple[Path, Path], root: Path) -> None:
    other = {'model.backbone.init_cfg': None}
    with pytest.raises(ValueError, match='another backbone'):
        FOCALInferencer(root / 'configs' / 'focal_mit.py', trained[1], device='cpu', cfg_options=other)


def test_an_empty_file_is_named(focal: FOCALInferencer, tmp_path: Path) -> None:
    (tmp_path / 'empty.jpg').touch()
    with pytest.raises(ValueError, match=r'empty\.jpg cannot be read'):
        focal(tmp_path / 'empty.jpg')


AUXILIARY = dict(
    type='FCNHead',
    in_channels=24,
    in_index=0,
    channels=8,
    num_convs=1,
    num_classes=2,
    out_channels=2,
    norm_cfg=dict(type='BN', requires_grad=True),
    loss_decode=dict(type='CrossEntropyLoss'),
)


def test_parts_that_never_test_do_not_count(
    trained: tuple[Path, Path], focal: FOCALInferencer, image_path: Path, tmp_path: Path
) -> None:
    config, checkpoint = trained
    cfg = Config.fromfile(config)
    cfg.model.auxiliary_head = AUXILIARY
    cfg.dump(tmp_path / 'with.py')
    expected = focal(image_path).score
    # The config has an auxiliary head, the checkpoint none; then the other way round.
    with_head = FOCALInferencer(tmp_path / 'with.py', checkpoint, device='cpu')
    np.testing.assert_array_equal(with_head(image_path).score, expected)
    torch.save(dict(state_dict=with_head.model.state_dict()), tmp_path / 'with.pth')
    assert any(name.startswith('auxiliary_head.') for name in with_head.model.state_dict())
    without = FOCALInferencer(config, tmp_path / 'with.pth', device='cpu')
    np.testing.assert_array_equal(without(image_path).score, expected)


def test_parts_that_test_do_count(trained: tuple[Path, Path], tmp_path: Path) -> None:
    state = load_weights(trained[1])
    state.pop('decode_head.projections.0.weight')
    torch.save(dict(state_dict=state), tmp_path / 'less.pth')
    with pytest.raises(ValueError, match=r'(?s)1 differences.*missing: decode_head\.projections\.0\.weight'):
        FOCALInferencer(trained[0], tmp_path / 'less.pth', device='cpu')


def test_a_device_that_is_not_here_and_an_option_that_changes_nothing_are_refused(trained: tuple[Path, Path]) -> None:
    with pytest.raises(ConfigError, match="no device 'gpu' here"):
        FOCALInferencer(*trained, device='gpu')
    with pytest.raises(ConfigError, match='--cfg-options norm_cfg would change nothing'):
        FOCALInferencer(*trained, device='cpu', cfg_options=dict(norm_cfg=None))


def test_regions_of_several_sources_have_numbers_and_figures(focal: FOCALInferencer, image_path: Path) -> None:
    prediction = focal(image_path)
    assert prediction.clusters.dtype == np.uint8
    np.testing.assert_array_equal(prediction.clusters > 0, prediction.mask == 255)
    numbers = np.unique(prediction.clusters[prediction.clusters > 0]).tolist()
    assert [each['cluster'] for each in prediction.sources] == numbers
    shares = sum(each['share'] for each in prediction.sources)
    assert shares == pytest.approx(prediction.summary['forged_share'], abs=1e-5)


def test_clusters_lie_where_the_points_do() -> None:
    points = torch.eye(3)[torch.tensor([[0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 2], [0, 1, 1, 2]]).flatten()]
    found = replace(localise(points, points.argmax(1)), grid=(4, 4), probabilities=torch.ones(16))
    forged = np.zeros((8, 8), bool)
    forged[4:, 2:] = True
    (sample,) = write_clustering([SegDataSample()], [[LocalisedMap(found, found.score.view(4, 4), points)]])
    clusters = cluster_image(sample, forged)
    assert clusters[4:, 2:4].tolist() == [[1, 1]] * 4 and clusters[4:, 6:].tolist() == [[2, 2]] * 4
    assert clusters[:4].max() == 0 and set(clusters[4:6, 4:6].flatten().tolist()) <= {1, 2}
    first, second = describe_sources(sample, clusters)
    assert first['distance'] == second['distance'] == pytest.approx(2**0.5, abs=1e-5)
    assert (first['probability'], second['cluster'], second['share']) == (1.0, 2, 8 / 64)
