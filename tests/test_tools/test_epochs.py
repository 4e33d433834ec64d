"""Trainings that count epochs, through our script and through mmseg's."""

import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from focal_mmseg.engine.checkpoint import read_checkpoint

STOCK_TOOLS = Path(find_spec('mmseg').origin).parent / '.mim' / 'tools'
BY_EPOCH = ('--cfg-options', 'train_cfg._delete_=True', 'train_cfg.by_epoch=True', 'train_cfg.max_epochs=2')


@pytest.fixture
def config(root: Path, small_config: Callable[..., Config], tmp_path: Path) -> Path:
    """A config as all here, by iterations, with flips, dropout and a validation, whose network is small."""
    cfg = small_config(root / 'configs' / 'focal_mit.py')
    cfg.model = Config.fromfile(root / 'configs' / 'demo' / 'focal_mit-compact.py').model
    cfg.model.backbone.drop_path_rate = 0.3
    cfg.model.data_preprocessor.size = (128, 128)
    cfg.model.decode_head.loss_decode.max_pixels = 50
    cfg.val_dataloader.dataset.indices = 1
    cfg.dump(tmp_path / 'config.py')
    return tmp_path / 'config.py'


def test_epochs_end_are_saved_validated_and_gone_on_with_exactly(
    root: Path, run_tool: Callable, config: Path, tmp_path: Path
) -> None:
    whole = tmp_path / 'whole'
    run_tool(root / 'tools' / 'train.py', config, '--work-dir', whole, *BY_EPOCH)
    assert {path.name for path in whole.glob('epoch_*.pth')} == {'epoch_1.pth', 'epoch_2.pth'}
    assert len(list(whole.glob('best_forgery_iou_epoch_*.pth'))) == 1
    log = next(whole.glob('*/*.log')).read_text()
    assert 'Iter(train) [4/4]' in log and log.count('forgery/pooled_ap: ') == 2
    expected = read_checkpoint(whole / 'epoch_2.pth')
    assert (expected['meta']['epoch'], expected['meta']['iter']) == (2, 4)

    # What a kill in the second epoch leaves: mmseg's script goes on as ours does, with the validation that was due.
    for tools in (STOCK_TOOLS, root / 'tools'):
        folder = tmp_path / f'resumed-{tools.parent.name}'
        folder.mkdir()
        shutil.copy(whole / 'epoch_1.pth', folder)
        (folder / 'last_checkpoint').write_text(str(folder / 'epoch_1.pth'))
        run_tool(tools / 'train.py', config, '--work-dir', folder, '--resume', *BY_EPOCH)
        log = next(folder.glob('*/*.log')).read_text()
        assert 'Iter(train) [2/4]' not in log and log.count('forgery/pooled_ap: ') == 2
        found = read_checkpoint(folder / 'epoch_2.pth')
        for part in ('state_dict', 'optimizer'):
            torch.testing.assert_close(found[part], expected[part], rtol=0, atol=0)


def test_the_demos_config_ends_its_epochs_too(root: Path, run_tool: Callable, trained: tuple, tmp_path: Path) -> None:
    run_tool(root / 'tools' / 'train.py', trained[0], '--work-dir', tmp_path / 'out', *BY_EPOCH)
    assert (tmp_path / 'out' / 'epoch_2.pth').is_file()
