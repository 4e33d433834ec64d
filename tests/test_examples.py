"""The notebook and the page of examples run as they stand."""

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from focal_mmseg.datasets.synthesis import load_packaged


@pytest.fixture(scope='module')
def blocks(root: Path) -> dict[str, str]:
    """Blocks of the page by their titles."""
    page = (root / 'docs' / 'guide' / 'examples.md').read_text(encoding='utf-8')
    found = re.findall(r'```python title="(\S+)"\n(.*?)```', page, re.DOTALL)
    # One without a title would not be run.
    assert len(found) == page.count('```python') == 4
    return dict(found)


@pytest.mark.parametrize('name', ['my_forgery.py', 'my_mobilenet.py', 'my_convnext.py'])
def test_a_config_of_the_page_trains(
    blocks: dict[str, str], name: str, root: Path, tmp_path: Path, small_config: Callable[..., Config]
) -> None:
    if name == 'my_convnext.py':
        pytest.importorskip('mmpretrain', reason='needs mmpretrain')
    for each in ('my_forgery.py', 'my_mobilenet.py', 'my_convnext.py'):
        text = blocks[each].replace("'./demo/", f"'{root}/configs/demo/")
        (tmp_path / each).write_text(text)
    said = Config.fromfile(tmp_path / name)
    assert (
        said.train_dataloader.dataset.data_root == 'my_images' and said.train_dataloader.dataset.pristine_without_mask
    )
    cfg = small_config(tmp_path / name)
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.iter == 1
    assert type(runner.model.backbone).__name__ == cfg.model.backbone.type.rpartition('.')[2]


def test_the_block_on_sources_runs(blocks: dict[str, str], capsys: pytest.CaptureFixture) -> None:
    image = cv2.resize(load_packaged('chelsea')[..., ::-1], (200, 152))
    image = cv2.imdecode(cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR)
    coffee = load_packaged('coffee')[..., ::-1]
    image[16:64, 16:72], image[88:136, 120:184] = coffee[100:148, 200:256], 255 - coffee[200:248, 300:364]
    names = dict(image=np.ascontiguousarray(image))
    exec(compile(blocks['sources.py'], 'sources.py', 'exec'), names)
    prediction = names['prediction']
    assert capsys.readouterr().out.count('source ') == len(prediction.sources)
    assert (
        prediction.labels.max() >= 0 and type(names['focal'].model.decode_head.clusterer).__name__ == 'HDBSCANClusterer'
    )


def test_the_notebook_runs_and_shows(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip('nbformat', reason='needs nbformat')
    nbclient = pytest.importorskip('nbclient', reason='needs nbclient')
    pytest.importorskip('ipykernel', reason='needs ipykernel')
    path = root / 'docs' / 'guide' / 'quickstart.ipynb'
    assert path.stat().st_size < 20_000
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == 'code']
    assert not any(cell.outputs for cell in cells)
    monkeypatch.setenv('PYTHONPATH', str(root))
    nbclient.NotebookClient(notebook, timeout=300, resources=dict(metadata=dict(path=str(tmp_path)))).execute()
    shown = [output for output in cells[1].outputs if output.output_type == 'execute_result']
    assert 'image/png' in shown[0].data
    assert 'image score' in cells[2].outputs[-1].text
    assert {path.name for path in (tmp_path / 'prediction').iterdir()} >= {'mask.png', 'summary.json'}
