"""Two processes without a GPU, joined by torchrun."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from focal_mmseg.engine.checkpoint import read_checkpoint
from focal_mmseg.evaluation.rows import read_rows


@pytest.fixture
def run(root: Path) -> Callable[..., None]:
    """Runs one of our tools in two processes, or in one without a launcher, with one thread each: sums round alike."""

    def call(tool: str, *arguments: object, ranks: int = 2) -> None:
        launch = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', str(ranks)]
        command = [*launch, root / 'tools' / tool, *map(str, arguments), '--launcher', 'pytorch']
        if ranks == 1:
            command = [sys.executable, root / 'tools' / tool, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | dict(OMP_NUM_THREADS='1'))
        assert done.returncode == 0, done.stderr[-3000:]

    return call


def test_a_test_counts_each_picture_once_also_where_they_do_not_share_evenly(
    run: Callable, trained: tuple[Path, Path], tmp_path: Path
) -> None:
    options = ('--cfg-options', 'test_dataloader.dataset.indices=[0,1,2]')
    run('test.py', *trained, '--work-dir', tmp_path / 'two', '--out', tmp_path / 'two', *options)
    run('test.py', *trained, '--work-dir', tmp_path / 'one', '--out', tmp_path / 'one', *options, ranks=1)
    two, one = ({row['picture']: row for row in read_rows(tmp_path / name / 'pictures.csv')} for name in ('two', 'one'))
    assert len(one) == 3 and sorted(one) == sorted(two)
    for name, row in one.items():
        assert two[name] == pytest.approx(row, nan_ok=True)
        masks = [cv2.imread(str(tmp_path / part / row['dataset'] / f'{name}.png')) for part in ('two', 'one')]
        np.testing.assert_array_equal(*masks)


def test_a_training_writes_one_checkpoint_and_one_log(
    run: Callable, trained: tuple[Path, Path], tmp_path: Path
) -> None:
    run('train.py', trained[0], '--work-dir', tmp_path / 'work')
    assert [path.name for path in (tmp_path / 'work').glob('*.pth')] == ['iter_1.pth']
    (log,) = (tmp_path / 'work').glob('*/vis_data/scalars.json')
    (step,) = (json.loads(line) for line in log.read_text().splitlines())
    assert np.isfinite(step['loss'])


def test_two_ranks_learn_what_one_process_learns_from_the_same_pictures(
    run: Callable, root: Path, small_config: Callable[..., Config], tmp_path: Path
) -> None:
    cfg = small_config(root / 'configs' / 'focal_mit.py')
    cfg.model = Config.fromfile(root / 'configs' / 'demo' / 'focal_mit-compact.py').model
    cfg.model.data_preprocessor.size = (128, 128)
    # A process draws its augmentations from numbers of its own.
    cfg.train_dataloader.dataset.pipeline = [
        step for step in cfg.train_dataloader.dataset.pipeline if step.type != 'RandomFlip'
    ]
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.default_hooks.checkpoint.update(interval=1, save_best=None)
    gradients = {}
    for ranks in (1, 2):
        cfg.train_dataloader.batch_size = 4 // ranks
        cfg.dump(tmp_path / f'{ranks}.py')
        run('train.py', tmp_path / f'{ranks}.py', '--work-dir', tmp_path / str(ranks), ranks=ranks)
        states = read_checkpoint(tmp_path / str(ranks) / 'iter_1.pth')['optimizer']['state']
        # After its first step Adam's first moment is the gradient, times a constant.
        gradients[ranks] = {name: state['exp_avg'] for name, state in states.items()}
    scale = max(each.abs().max() for each in gradients[1].values())
    assert scale > 0 and list(gradients[1]) == list(gradients[2])
    for name, expected in gradients[1].items():
        torch.testing.assert_close(gradients[2][name], expected, rtol=1e-3, atol=1e-5 * float(scale))
