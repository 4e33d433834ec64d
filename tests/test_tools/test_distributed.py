"""Two processes without a GPU, joined by torchrun."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from focal_mmseg.engine.checkpoint import read_checkpoint
from focal_mmseg.evaluation import read_rows

# What each process saw: mmengine logs the first one's loss. And a death in the second at its second image.
OWN = """
import os
import signal
from pathlib import Path

from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmseg.registry import HOOKS, TRANSFORMS


@HOOKS.register_module()
class OwnLoss(Hook):
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        Path(runner.work_dir, f'loss{runner.rank}').write_text(str(float(outputs['loss'])))


@TRANSFORMS.register_module()
class SecondDies:
    seen = 0

    def __call__(self, results):
        self.seen += 1
        if get_rank() == 1 and self.seen == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return results
"""


@pytest.fixture
def launch(root: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess]:
    """Runs one of our tools in two processes, or in one without a launcher, with one thread each: sums round alike."""
    (tmp_path / 'own.py').write_text(OWN)

    def call(tool: str, *arguments: object, ranks: int = 2) -> subprocess.CompletedProcess:
        launch = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', str(ranks)]
        command = [*launch, root / 'tools' / tool, *map(str, arguments), '--launcher', 'pytorch']
        if ranks == 1:
            command = [sys.executable, root / 'tools' / tool, *map(str, arguments)]
        environment = os.environ | dict(OMP_NUM_THREADS='1', PYTHONPATH=os.pathsep.join([str(tmp_path), str(root)]))
        return subprocess.run(command, capture_output=True, text=True, env=environment)

    return call


@pytest.fixture
def run(launch: Callable[..., subprocess.CompletedProcess]) -> Callable[..., None]:
    """The same, which must succeed."""

    def call(*arguments: object, **options: object) -> None:
        done = launch(*arguments, **options)
        assert done.returncode == 0, done.stderr[-3000:]

    return call


def test_a_test_counts_each_image_once_also_where_they_do_not_share_evenly(
    run: Callable, trained: tuple[Path, Path], tmp_path: Path
) -> None:
    options = ('--cfg-options', 'test_dataloader.dataset.indices=[0,1,2]')
    run('test.py', *trained, '--work-dir', tmp_path / 'two', '--out', tmp_path / 'two', *options)
    run('test.py', *trained, '--work-dir', tmp_path / 'one', '--out', tmp_path / 'one', *options, ranks=1)
    two, one = (sorted(read_rows(tmp_path / name / 'images.csv'), key=itemgetter('image')) for name in ('two', 'one'))
    assert len(one) == len(two) == 3
    for mine, row in zip(two, one, strict=True):
        assert mine == pytest.approx(row, nan_ok=True)
        file = f'{row["dataset"]}/{row["image"]}.png'
        np.testing.assert_array_equal(*(cv2.imread(str(tmp_path / part / file)) for part in ('two', 'one')))
    two, one = (json.loads((tmp_path / name / 'summary.json').read_text()) for name in ('two', 'one'))
    assert [(group['group'], group['images']) for group in two] == [(group['group'], group['images']) for group in one]
    for mine, group in zip(two, one, strict=True):
        averages = {name: value for name, value in group.items() if not name.endswith(('_low', '_high'))}
        assert {name: mine[name] for name in averages} == pytest.approx(averages)


def test_a_process_that_is_killed_ends_the_test_and_leaves_its_rows(
    launch: Callable, trained: tuple[Path, Path], tmp_path: Path
) -> None:
    cfg = Config.fromfile(trained[0])
    cfg.custom_imports.imports.append('own')
    cfg.test_dataloader.dataset.pipeline.insert(1, dict(type='SecondDies'))
    cfg.test_dataloader.batch_size = 1
    cfg.dump(tmp_path / 'config.py')
    done = launch('test.py', tmp_path / 'config.py', trained[1], '--work-dir', tmp_path, '--out', tmp_path / 'out')
    assert done.returncode != 0 and 'SIGKILL' in done.stderr
    assert len(read_rows(tmp_path / 'out' / 'images.partial1.csv')) == 1
    assert not (tmp_path / 'out' / 'images.csv').exists()


def test_a_training_writes_one_checkpoint_and_one_log(
    run: Callable, trained: tuple[Path, Path], tmp_path: Path
) -> None:
    # Which without a GPU becomes BN.
    options = ('--cfg-options', 'model.backbone.norm_cfg.type=SyncBN')
    run('train.py', trained[0], '--work-dir', tmp_path / 'work', *options)
    assert [path.name for path in (tmp_path / 'work').glob('*.pth')] == ['iter_1.pth']
    (log,) = (tmp_path / 'work').glob('*/vis_data/scalars.json')
    (step,) = (json.loads(line) for line in log.read_text().splitlines())
    assert np.isfinite(step['loss'])


def test_two_ranks_learn_what_one_process_learns_from_the_same_images(
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
    cfg.custom_imports.imports.append('own')
    cfg.custom_hooks.append(dict(type='OwnLoss'))
    gradients, losses = {}, {}
    for ranks in (1, 2):
        cfg.train_dataloader.batch_size = 4 // ranks
        cfg.dump(tmp_path / f'{ranks}.py')
        run('train.py', tmp_path / f'{ranks}.py', '--work-dir', tmp_path / str(ranks), ranks=ranks)
        states = read_checkpoint(tmp_path / str(ranks) / 'iter_1.pth')['optimizer']['state']
        losses[ranks] = [float(path.read_text()) for path in (tmp_path / str(ranks)).glob('loss*')]
        # After its first step Adam's first moment is the gradient, times a constant.
        gradients[ranks] = {name: state['exp_avg'] for name, state in states.items()}
    assert len(losses[2]) == 2 and np.mean(losses[2]) == pytest.approx(losses[1][0], rel=1e-4)
    scale = max(each.abs().max() for each in gradients[1].values())
    assert scale > 0 and list(gradients[1]) == list(gradients[2])
    for name, expected in gradients[1].items():
        torch.testing.assert_close(gradients[2][name], expected, rtol=1e-3, atol=1e-5 * float(scale))
