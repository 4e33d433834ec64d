"""Our train and test scripts, and those shipped inside the installed mmsegmentation, on the same config."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from focal_mmseg.apis.testing import keep_results, list_evaluators
from focal_mmseg.engine.checkpoint import load_weights
from focal_mmseg.evaluation import read_rows

TOOLS = Path(__file__).parents[2] / 'tools'
COMMANDS = sorted(
    path.relative_to(TOOLS).as_posix()
    for path in TOOLS.rglob('*.py')
    if all(word in path.read_text() for word in ('ArgumentParser(', '__main__'))
)
# What the system does to a process when memory runs out, and what a job's end does.
KILLING = """
import os
import signal
import time

from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class KilledAt:
    def __init__(self, image, how='SIGKILL', delay=3):
        self.image, self.how, self.delay = image, how, delay

    def __call__(self, results):
        if results['image_name'] == self.image:
            time.sleep(self.delay)
            os.kill(os.getpid(), getattr(signal, self.how))
        return results
"""
STOCK_TOOLS = Path(find_spec('mmseg').origin).parent / '.mim' / 'tools'


@pytest.fixture
def config(trained: tuple[Path, Path]) -> Path:
    return trained[0]


@pytest.fixture
def checkpoint(trained: tuple[Path, Path]) -> Path:
    return trained[1]


@pytest.mark.parametrize('tools', ['ours', 'stock'])
def test_training_writes_a_checkpoint_without_a_classifier(
    root: Path, run_tool: Callable, config: Path, tmp_path: Path, tools: str
) -> None:
    script = (root / 'tools' if tools == 'ours' else STOCK_TOOLS) / 'train.py'
    run_tool(script, config, '--work-dir', tmp_path / 'out', '--cfg-options', 'randomness.seed=3')
    state = load_weights(tmp_path / 'out' / 'iter_1.pth')
    assert any(name.startswith('decode_head.projections') for name in state)
    assert not any('conv_seg' in name for name in state)


def test_resume_goes_on_from_the_last_checkpoint(root: Path, run_tool: Callable, config: Path, tmp_path: Path) -> None:
    out = tmp_path / 'out'
    options = ('--work-dir', out, '--cfg-options', 'default_hooks.checkpoint.save_optimizer=True')
    run_tool(root / 'tools' / 'train.py', config, *options)
    run_tool(root / 'tools' / 'train.py', config, *options, 'train_cfg.max_iters=2', '--resume')
    assert (out / 'iter_2.pth').is_file()
    assert '- Iter(train) [1/2]' not in (sorted(out.glob('*/*.log'))[-1]).read_text()


@pytest.mark.skipif(not torch.cuda.is_available(), reason='mmengine trains in mixed precision on accelerators only')
def test_amp_trains_to_finite_weights(root: Path, run_tool: Callable, config: Path, tmp_path: Path) -> None:
    run_tool(root / 'tools' / 'train.py', config, '--work-dir', tmp_path / 'out', '--amp')
    assert all(value.isfinite().all() for value in load_weights(tmp_path / 'out' / 'iter_1.pth').values())


@pytest.mark.parametrize('tools', ['ours', 'stock'])
def test_testing_writes_masks_figures_and_drawings(
    root: Path, run_tool: Callable, config: Path, checkpoint: Path, tmp_path: Path, tools: str
) -> None:
    script = (root / 'tools' if tools == 'ours' else STOCK_TOOLS) / 'test.py'
    out, drawings = tmp_path / 'out', tmp_path / 'drawings'
    run_tool(script, config, checkpoint, '--work-dir', tmp_path / 'log', '--out', out, '--show-dir', drawings)
    masks = sorted(out.rglob('*.png'))
    assert [path.relative_to(out).as_posix() for path in masks] == [
        f'demo/{kind}.png' for kind in ('copy-move/00000', 'pristine/00000', 'splice/00000', 'splice/00001')
    ]
    assert all(set(np.unique(cv2.imread(str(path), cv2.IMREAD_UNCHANGED))) <= {0, 255} for path in masks)
    assert len((out / 'images.csv').read_text().splitlines()) == 5
    assert len(list(drawings.rglob('*.png'))) == 4


@pytest.mark.parametrize('tools', ['ours', 'stock'])
def test_tta_gives_figures(
    root: Path, run_tool: Callable, config: Path, checkpoint: Path, tmp_path: Path, tools: str
) -> None:
    script = (root / 'tools' if tools == 'ours' else STOCK_TOOLS) / 'test.py'
    run_tool(script, config, checkpoint, '--work-dir', tmp_path / 'log', '--tta', '--out', tmp_path / 'out')
    assert len((tmp_path / 'out' / 'images.csv').read_text().splitlines()) == 5


@pytest.mark.parametrize('options', [[], ['--tta']])
def test_a_degradation_changes_the_scores_the_same_way_each_time(
    root: Path, run_tool: Callable, config: Path, checkpoint: Path, tmp_path: Path, options: list[str]
) -> None:
    def rows(name: str, *more: str) -> str:
        out = ('--work-dir', tmp_path / 'log', '--out', tmp_path / name)
        run_tool(root / 'tools' / 'test.py', config, checkpoint, *out, *options, *more)
        return (tmp_path / name / 'images.csv').read_text()

    plain, noisy, again = (
        rows('0'),
        rows('1', '--degradation', 'noise-sigma:40'),
        rows('2', '--degradation=noise-sigma:40'),
    )
    assert len(noisy.splitlines()) == 5
    assert noisy == again != plain


def test_an_unknown_degradation_is_refused_with_what_there_is(
    root: Path, run_tool: Callable, config: Path, checkpoint: Path, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(SystemExit):
        run_tool(root / 'tools' / 'test.py', config, checkpoint, '--degradation', 'jpg:70')
    assert 'there are none, jpeg, blur' in capsys.readouterr().err


def test_a_checkpoint_of_another_backbone_is_refused(
    root: Path, run_tool: Callable, config: Path, checkpoint: Path, tmp_path: Path
) -> None:
    state = {f'other.{name}': value for name, value in load_weights(checkpoint).items()}
    torch.save(dict(state_dict=state, meta={}), tmp_path / 'other.pth')
    with pytest.raises(ValueError, match='another backbone'):
        run_tool(root / 'tools' / 'test.py', config, tmp_path / 'other.pth', '--work-dir', tmp_path / 'log')


def test_a_missing_checkpoint_is_named(root: Path, run_tool: Callable, config: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r'test\.py: the checkpoint .*nowhere\.pth does not exist'):
        run_tool(root / 'tools' / 'test.py', config, tmp_path / 'nowhere.pth')


def test_an_empty_test_set_is_named(
    root: Path, run_tool: Callable, config: Path, checkpoint: Path, tmp_path: Path
) -> None:
    (tmp_path / 'empty' / 'images').mkdir(parents=True)
    (tmp_path / 'empty' / 'masks').mkdir()
    with pytest.raises(ValueError, match='holds no image'):
        run_tool(
            root / 'tools' / 'test.py',
            config,
            checkpoint,
            '--work-dir',
            tmp_path / 'log',
            '--cfg-options',
            f'test_dataloader.dataset.data_root={tmp_path / "empty"}',
        )


@pytest.mark.parametrize('tool', COMMANDS)
def test_help_shows_an_example(root: Path, run_tool: Callable, capsys: pytest.CaptureFixture, tool: str) -> None:
    with pytest.raises(SystemExit) as stop:
        run_tool(root / 'tools' / tool, '--help')
    assert stop.value.code == 0
    assert f'Example:\n  python tools/{tool}' in capsys.readouterr().out


def test_the_batch_size_of_a_test_changes_nothing(
    root: Path, run_tool: Callable, config: Path, checkpoint: Path, tmp_path: Path
) -> None:
    for size in (1, 4):
        options = ('--work-dir', tmp_path / 'log', '--cfg-options', f'test_dataloader.batch_size={size}')
        run_tool(root / 'tools' / 'test.py', config, checkpoint, '--out', tmp_path / str(size), *options)
    one_by_one, together = (np.genfromtxt(tmp_path / size / 'images.csv', delimiter=',')[1:, 5:] for size in '14')
    # The convolutions round differently; a pixel at the border of a mask may.
    np.testing.assert_allclose(one_by_one, together, atol=1e-3)
    assert np.isfinite(together[:, :3]).all()


IOU = "dict(type='IoUMetric', iou_metrics=['mIoU'])"


@pytest.fixture
def evaluated_by(config: Path, tmp_path: Path) -> Callable[[str], Path]:
    """The config with another ``test_evaluator``."""

    def write(evaluator: str) -> Path:
        (tmp_path / 'evaluated.py').write_text(f"_base_ = '{config.as_posix()}'\ntest_evaluator = {evaluator}\n")
        return tmp_path / 'evaluated.py'

    return write


def test_out_works_wherever_our_metric_stands(
    root: Path, run_tool: Callable, evaluated_by: Callable, checkpoint: Path, tmp_path: Path
) -> None:
    out = tmp_path / 'out'
    several = evaluated_by(f"[{IOU}, dict(type='ForgeryMetric')]")
    run_tool(root / 'tools' / 'test.py', several, checkpoint, '--work-dir', tmp_path / 'log', '--out', out)
    # Two masks are called 00000, in folders of their own.
    assert len(list(out.rglob('*.png'))) == len(read_rows(out / 'images.csv')) == 4
    assert not list(out.glob('*.png'))


def test_our_metric_is_found_in_every_form_of_evaluators(evaluated_by: Callable) -> None:
    for evaluator in (
        f"[{IOU}, dict(type='mmseg.ForgeryMetric')]",
        f"dict(_delete_=True, metrics=[{IOU}, dict(type='ForgeryMetric')])",
        "dict(_delete_=True, metrics=dict(type='ForgeryMetric'))",
    ):
        cfg = Config.fromfile(evaluated_by(evaluator))
        keep_results(cfg, 'out')
        found = [each.get('output_dir') for each in list_evaluators(cfg)]
        assert found[-1] == 'out' and set(found[:-1]) <= {None}, evaluator


def test_out_without_our_metric_is_refused_with_the_line_to_add(
    root: Path, run_tool: Callable, evaluated_by: Callable, checkpoint: Path, tmp_path: Path
) -> None:
    arguments = (evaluated_by(f'[{IOU}]'), checkpoint, '--work-dir', tmp_path / 'log', '--out', tmp_path / 'out')
    with pytest.raises(SystemExit, match=r'^test\.py: --out: test_evaluator has no ForgeryMetric.*add it'):
        run_tool(root / 'tools' / 'test.py', *arguments)
    assert not (tmp_path / 'out').exists()


def test_loaders_without_workers_work(root: Path, run_tool: Callable, config: Path, tmp_path: Path) -> None:
    cfg = Config.fromfile(config)
    cfg.train_dataloader.update(num_workers=2, persistent_workers=True, prefetch_factor=4)
    cfg.dump(tmp_path / 'workers.py')
    options = ('--work-dir', tmp_path / 'out', '--cfg-options', 'train_dataloader.num_workers=0')
    run_tool(root / 'tools' / 'train.py', tmp_path / 'workers.py', *options)
    assert (tmp_path / 'out' / 'iter_1.pth').is_file()


@pytest.mark.parametrize(
    ('option', 'says'),
    [
        ('norm_cfg.type=GN', r'^test\.py: --cfg-options norm_cfg\.type would change nothing'),
        ('test_dataloader.batch_size', '2'),
    ],
)
def test_options_that_cannot_be_meant_end_in_a_line(
    root: Path,
    run_tool: Callable,
    config: Path,
    checkpoint: Path,
    option: str,
    says: str,
    capsys: pytest.CaptureFixture,
) -> None:
    with pytest.raises(SystemExit, match=says):
        run_tool(root / 'tools' / 'test.py', config, checkpoint, '--cfg-options', option)
    if says == '2':
        assert "expected KEY=VALUE, got 'test_dataloader.batch_size'" in capsys.readouterr().err


def test_images_of_two_sizes_in_a_batch_end_in_a_line(
    root: Path, run_tool: Callable, config: Path, checkpoint: Path, forged_set: Path, tmp_path: Path
) -> None:
    shutil.copytree(forged_set / 'test', tmp_path / 'data')
    for path in (tmp_path / 'data').rglob('00001.*'):
        cv2.imwrite(str(path), cv2.imread(str(path))[:96])
    cfg = Config.fromfile(config)
    cfg.test_dataloader.dataset.pipeline = [each for each in cfg.test_pipeline if each.type != 'Resize']
    cfg.test_dataloader.update(batch_size=4)
    cfg.test_dataloader.dataset.data_root = str(tmp_path / 'data')
    cfg.dump(tmp_path / 'sizes.py')
    with pytest.raises(SystemExit, match=r'^test\.py: a batch of test_dataloader holds images of .*batch_size=1'):
        run_tool(root / 'tools' / 'test.py', tmp_path / 'sizes.py', checkpoint, '--work-dir', tmp_path / 'log')


@pytest.mark.parametrize('tools', ['ours', 'stock'])
def test_mmsegs_data_set_and_our_mask_loader_work_together(
    root: Path, run_tool: Callable, config: Path, checkpoint: Path, tmp_path: Path, tools: str
) -> None:
    cfg = Config.fromfile(config)
    cfg.test_dataloader.dataset.update(type='BaseSegDataset', img_suffix='.jpg', seg_map_suffix='.png')
    cfg.test_dataloader.dataset.metainfo = dict(classes=('pristine', 'forged'), palette=[[0, 0, 0], [255, 0, 0]])
    cfg.test_dataloader.dataset.pop('dataset_name')
    cfg.dump(tmp_path / 'theirs.py')
    script = (root / 'tools' if tools == 'ours' else STOCK_TOOLS) / 'test.py'
    out = tmp_path / 'out'
    run_tool(script, tmp_path / 'theirs.py', checkpoint, '--work-dir', tmp_path / 'log', '--show-dir', out)
    assert 'forgery/iou' in next((tmp_path / 'log').glob('*/*.json')).read_text()


@pytest.mark.parametrize('tools', ['ours', 'stock'])
def test_masks_in_black_and_white_are_not_tested_as_labels(
    root: Path, run_tool: Callable, config: Path, checkpoint: Path, tmp_path: Path, tools: str
) -> None:
    cfg = Config.fromfile(config)
    for each in cfg.test_dataloader.dataset.pipeline:
        each.type = 'LoadAnnotations' if each.type == 'LoadForgeryMask' else each.type
    cfg.dump(tmp_path / 'labels.py')
    script = (root / 'tools' if tools == 'ours' else STOCK_TOOLS) / 'test.py'
    with pytest.raises((SystemExit, ValueError), match=r'test_dataloader.*LoadAnnotations.*LoadForgeryMask'):
        run_tool(script, tmp_path / 'labels.py', checkpoint, '--work-dir', tmp_path / 'log')


def test_mmsegs_publishing_script_reads_our_checkpoints(
    run_tool: Callable, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', raising=False)
    script = STOCK_TOOLS / 'misc' / 'publish_model.py'
    done = subprocess.run(
        [sys.executable, script, checkpoint, tmp_path / 'published.pth'], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def killed_test(
    root: Path, config: Path, checkpoint: Path, tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess]:
    """A test in a process of its own that is killed at its last image."""
    (tmp_path / 'killing.py').write_text(KILLING)

    def run(*arguments: str | Path, workers: int, **killing: object) -> subprocess.CompletedProcess:
        cfg = Config.fromfile(config)
        cfg.custom_imports.imports.append('killing')
        cfg.test_pipeline.insert(1, dict(type='KilledAt', image='splice/00001', **killing))
        cfg.test_dataloader.update(num_workers=workers, batch_size=1)
        cfg.test_dataloader.dataset.pipeline = cfg.test_pipeline
        cfg.dump(tmp_path / 'config.py')
        command = [sys.executable, root / 'tools' / 'test.py', tmp_path / 'config.py', checkpoint, *arguments]
        environment = os.environ | dict(PYTHONPATH=os.pathsep.join([str(tmp_path), str(root)]))
        command += ['--work-dir', tmp_path / 'work']
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)

    return run


def test_a_worker_that_is_killed_ends_the_test_with_the_cause_and_leaves_what_was_scored(
    killed_test: Callable, tmp_path: Path
) -> None:
    out = tmp_path / 'out'
    done = killed_test('--out', out, workers=1)
    assert done.returncode == 1 and 'is killed by signal: Killed' in done.stderr
    assert f'what was scored before is in {out / "images.partial.csv"}' in done.stderr
    rows = read_rows(out / 'images.partial.csv')
    assert [row['image'] for row in rows] == ['copy-move/00000', 'pristine/00000', 'splice/00000'][: len(rows)]
    assert rows and all((out / row['dataset'] / f'{row["image"]}.png').is_file() for row in rows)
    assert not (out / 'images.csv').exists()


def test_what_was_scored_is_on_disk_also_when_the_job_is_ended(killed_test: Callable, tmp_path: Path) -> None:
    done = killed_test(workers=0, how='SIGTERM', delay=0)
    assert done.returncode == -signal.SIGTERM
    rows = read_rows(tmp_path / 'work' / 'images.partial.csv')
    assert [row['image'] for row in rows] == ['copy-move/00000', 'pristine/00000', 'splice/00000']


@pytest.mark.parametrize('tool', ['train', 'test'])
def test_a_config_that_is_not_there_is_named_in_one_line(root: Path, run_tool: Callable, tool: str) -> None:
    with pytest.raises(SystemExit, match=rf'^{tool}\.py: .*nope\.py'):
        run_tool(root / 'tools' / f'{tool}.py', 'nope.py')


def test_checkpoints_between_gathered_gradients_are_told_of(
    root: Path, run_tool: Callable, config: Path, tmp_path: Path
) -> None:
    options = ('default_hooks.checkpoint.interval=1', 'optim_wrapper.accumulative_counts=2')
    with pytest.warns(UserWarning, match='interval=1 is no multiple of optim_wrapper.accumulative_counts=2'):
        run_tool(root / 'tools' / 'train.py', config, '--work-dir', tmp_path, '--cfg-options', *options)


def test_damaged_images_are_skipped_on_request_and_listed_at_the_end(
    root: Path, run_tool: Callable, config: Path, checkpoint: Path, forged_set: Path, tmp_path: Path
) -> None:
    shutil.copytree(forged_set / 'test', tmp_path / 'data')
    (tmp_path / 'data' / 'images' / 'splice' / '00000.jpg').write_bytes(b'no image')
    arguments = (config, checkpoint, '--work-dir', tmp_path / 'work', '--out', tmp_path / 'out')
    options = ('--cfg-options', f'test_dataloader.dataset.data_root={tmp_path / "data"}')
    with pytest.raises(ValueError, match='cannot use the image'):
        run_tool(root / 'tools' / 'test.py', *arguments, *options)
    with pytest.warns(UserWarning, match='skipped'), pytest.raises(SystemExit) as stop:
        run_tool(root / 'tools' / 'test.py', *arguments, '--skip-damaged', *options)
    assert stop.value.code.startswith('skipped:\n') and 'splice/00000.jpg' in stop.value.code
    assert len(read_rows(tmp_path / 'out' / 'images.csv')) == 3


def test_names_that_are_not_utf8_are_tested_like_others(
    root: Path, run_tool: Callable, config: Path, checkpoint: Path, forged_set: Path, tmp_path: Path
) -> None:
    kind, name = os.fsdecode(b'na\xefve'), os.fsdecode(b'caf\xe9')
    for part, ending in (('images', 'jpg'), ('masks', 'png')):
        (tmp_path / 'data' / part / kind).mkdir(parents=True)
        for target in (f'{kind}/{name}', 'other'):
            source = forged_set / 'test' / part / 'splice' / f'00000.{ending}'
            shutil.copy(source, tmp_path / 'data' / part / f'{target}.{ending}')
    out = tmp_path / 'out'
    options = ('--cfg-options', f'test_dataloader.dataset.data_root={tmp_path / "data"}')
    run_tool(root / 'tools' / 'test.py', config, checkpoint, '--work-dir', tmp_path / 'work', '--out', out, *options)
    assert {row['image'] for row in read_rows(out / 'images.csv')} == {f'{kind}/{name}', 'other'}
    assert len(list(out.rglob(f'{name}.png'))) == 1
    assert kind.encode('utf-8', 'surrogateescape') in (out / 'summary.csv').read_bytes()
