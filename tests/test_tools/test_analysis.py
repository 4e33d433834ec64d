"""The analysis tools on a tiny set and two steps."""

import argparse
import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from mmengine.config import Config, DictAction
from mmseg.registry import MODELS

from focal_mmseg.apis.embeddings import embedded_images, read_embeddings, write_embeddings
from focal_mmseg.utils import read_config


@pytest.fixture
def run(root: Path) -> Callable[..., subprocess.CompletedProcess]:
    def call(tool: str, *arguments: object) -> subprocess.CompletedProcess:
        command = [sys.executable, root / 'tools' / 'analysis_tools' / tool, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True)

    return call


def test_losses_trains_each_once_and_goes_on_past_one_that_fails(
    run: Callable, trained: tuple[Path, Path], tmp_path: Path
) -> None:
    options = (trained[0], '--work-dir', tmp_path, '--cfg-options', 'train_cfg.max_iters=1')
    first = run('losses.py', *options, '--losses', 'DCL')
    assert first.returncode == 0, first.stderr
    assert '| DCL  |' in first.stdout and 'dcl: training' in first.stdout
    rows = json.loads((tmp_path / 'losses.json').read_text())
    assert 0 <= rows['DCL']['macro_f1'] <= 1 and 0 <= rows['DCL']['auc'] <= 1 and rows['DCL']['loss'] > 0

    (tmp_path / 'circle').write_text('a file where a folder is wanted')
    again = run('losses.py', *options, '--losses', 'DCL', 'Circle')
    assert 'dcl: is there' in again.stdout
    assert again.returncode != 0 and 'circle' in again.stderr
    assert list(json.loads((tmp_path / 'losses.json').read_text())) == ['DCL']


def test_a_failed_training_names_its_log(run: Callable, trained: tuple[Path, Path], tmp_path: Path) -> None:
    options = ('--work-dir', tmp_path, '--cfg-options', 'model.decode_head.loss_decode.temperature=-1')
    failed = run('loss_curves.py', trained[0], *options)
    assert failed.returncode != 0
    assert f'see {tmp_path / "infonce-pp" / "train" / "log.txt"}' in failed.stderr
    assert 'temperature must be above 0' in (tmp_path / 'infonce-pp' / 'train' / 'log.txt').read_text()
    assert not (tmp_path / 'loss_curves.png').exists()


def test_loss_curves_draws_both_scopes(run: Callable, trained: tuple[Path, Path], tmp_path: Path) -> None:
    found = run(
        'loss_curves.py',
        trained[0],
        '--work-dir',
        tmp_path,
        '--jobs',
        2,
        '--cfg-options',
        'train_cfg.max_iters=3',
        'default_hooks.checkpoint.interval=3',
    )
    assert found.returncode == 0, found.stderr
    curves = json.loads((tmp_path / 'loss_curves.json').read_text())
    assert [len(curve['loss']) for curve in curves.values()] == [3, 3]
    image, batch = (curve['loss'][0] for curve in curves.values())
    assert image != batch
    assert cv2.imread(str(tmp_path / 'loss_curves.png')) is not None


@pytest.fixture
def fusion_config(root: Path, trained: tuple[Path, Path], forged_set: Path, tmp_path: Path) -> Path:
    """A fusion of the trained network with itself, on the test set."""
    config = tmp_path / 'fusion.py'
    member = dict(config=str(trained[0]), checkpoint=str(trained[1]))
    data = dict(data_root=str(forged_set / 'test'), data_prefix=dict(img_path='images', seg_map_path='masks'))
    config.write_text(
        f"_base_ = '{(root / 'configs' / '_base_' / 'fusion.py').as_posix()}'\n"
        f'model = dict(members={[member, member]})\n'
        f'test_dataloader = dict(num_workers=0, persistent_workers=False, dataset={data})\n'
    )
    return config


def test_fusion_tests_each_member_and_each_way_of_joining(run: Callable, fusion_config: Path, tmp_path: Path) -> None:
    found = run('fusion.py', fusion_config, '--work-dir', tmp_path / 'out', '--pictures', 2)
    assert found.returncode == 0, found.stderr
    rows = json.loads((tmp_path / 'out' / 'fusion.json').read_text())
    assert list(rows) == ['config', 'config (2)', 'fused embeddings', 'union', 'intersection']
    # Of a network and itself every row is the network's.
    for row in rows.values():
        assert row == pytest.approx(rows['config'], abs=1e-3)
    grid = cv2.imread(str(tmp_path / 'out' / 'fusion.png'))
    assert grid is not None and grid.shape[1] > 3 * grid.shape[0]


def test_fusion_goes_on_past_a_row_that_fails(
    root: Path,
    run_tool: Callable,
    fusion_config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.syspath_prepend(str(root / 'tools'))
    running = importlib.import_module('running')

    def test(log: Path, _: str, __: str, *arguments: object, **___: object) -> None:
        if 'model.mode=union' in arguments:
            raise RuntimeError(f'see {log}')
        run_tool(root / 'tools' / 'test.py', fusion_config, *arguments)

    monkeypatch.setattr(running, 'run_tool', test)
    for others in ('testing', 'is there'):
        with pytest.raises(SystemExit, match=rf'not in the table:\nunion: see {tmp_path}/out/union/log\.txt'):
            run_tool(root / 'tools' / 'analysis_tools' / 'fusion.py', fusion_config, '--work-dir', tmp_path / 'out')
        said = capsys.readouterr().out
        assert f'fused embeddings: {others}\n' in said and f'intersection: {others}\n' in said
        assert 'union: testing\n' in said
    assert list(json.loads((tmp_path / 'out' / 'fusion.json').read_text())) == [
        'config',
        'config (2)',
        'fused embeddings',
        'intersection',
    ]
    assert (tmp_path / 'out' / 'fusion.png').is_file()


def test_fusion_refuses_a_config_without_members(run: Callable, trained: tuple[Path, Path]) -> None:
    found = run('fusion.py', trained[0])
    assert found.returncode != 0 and 'has no model.members' in found.stderr


def test_mask_rules_counts_what_each_rule_loses(run: Callable, tmp_path: Path) -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[:, 20:22] = 255
    mask[40:, 40:] = 255
    cv2.imwrite(str(tmp_path / 'line.png'), mask)
    (tmp_path / 'broken.png').write_text('no picture')
    out = tmp_path / 'rules.json'
    found = run('mask_rules.py', tmp_path, '--side', 64, '--strides', 16, '--out', out)
    assert found.returncode != 0 and 'broken.png' in found.stderr
    rows = {row['rule']: row for row in json.loads(out.read_text())}
    assert {name: (row['regions'], row['lost']) for name, row in rows.items()} == {
        'half, or alone (ours)': (2, 0),
        'half': (2, 1),
        'any pixel': (2, 0),
        'nearest pixel': (2, 1),
    }
    assert rows['any pixel']['missed'] == 0 and rows['half']['missed'] == pytest.approx((128 + 64) / (128 + 576))


def test_mask_rules_without_a_mask_says_so(run: Callable, tmp_path: Path) -> None:
    found = run('mask_rules.py', tmp_path)
    assert found.returncode != 0 and f'in {tmp_path}' in found.stderr


@pytest.fixture
def trainings(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(root / 'tools' / 'analysis'))
    return importlib.import_module('trainings')


def test_a_curve_has_the_steps_and_not_the_validations(trainings: ModuleType, tmp_path: Path) -> None:
    log = tmp_path / 'a' / 'train' / '20260101_000000' / 'vis_data' / 'scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text('{"loss": 2.0, "iter": 1}\n{"forgery/iou": 0.5, "step": 1}\n{"loss": 1.0, "iter": 2}\n')
    training = trainings.Training('a', 'config.py', (), tmp_path)
    assert [step['loss'] for step in training.curve()] == [2.0, 1.0]


def test_a_training_is_done_until_the_config_changes_and_its_test_until_the_weights_do(
    trainings: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []

    def run(log: Path, name: str, *_: object, **__: object) -> None:
        ran.append(name)
        if name == 'train.py':
            (log.parent / 'a.pth').write_text('weights')
            (log.parent / 'last_checkpoint').write_text(str(log.parent / 'a.pth'))

    monkeypatch.setattr(importlib.import_module('running'), 'run_tool', run)
    (tmp_path / 'base.py').write_text('a = 1')
    (tmp_path / 'config.py').write_text("_base_ = './base.py'")
    training = trainings.Training('a', str(tmp_path / 'config.py'), ('b=2',), tmp_path)
    assert not training.is_done
    training.run()
    training.run()
    assert training.is_done and ran == ['train.py', 'test.py']
    assert not trainings.Training('a', training.config, ('b=3',), tmp_path).is_done
    (tmp_path / 'a' / 'train' / 'a.pth').write_text('other weights')
    training.run()
    assert ran[2:] == ['test.py']
    (tmp_path / 'base.py').write_text('a = 2')
    assert not training.is_done


@pytest.mark.parametrize('config', ['focal_hrnet.py', 'focal_vit_scl.py'])
def test_each_row_replaces_the_configs_loss_as_a_whole(trainings: ModuleType, root: Path, config: str) -> None:
    for name, wanted in trainings.LOSSES.items():
        args = argparse.Namespace(config=str(root / 'configs' / config), work_dir=Path(), cfg_options=[])
        cfg = Config.fromfile(args.config)
        cfg.merge_from_dict({'model.decode_head.loss_decode.loss_weight': 2.0})
        parsed = argparse.ArgumentParser()
        parsed.add_argument('--cfg-options', nargs='+', action=DictAction)
        cfg.merge_from_dict(
            parsed.parse_args(['--cfg-options', *trainings.training_of(name, args).options]).cfg_options
        )
        assert cfg.model.decode_head.loss_decode == wanted, name
        MODELS.build(cfg.model.decode_head.loss_decode)


@pytest.fixture
def analyse(root: Path, run_tool: Callable[..., None], capsys: pytest.CaptureFixture) -> Callable[..., str]:
    """Runs a command in this process; what it prints."""

    def call(tool: str, *arguments: object) -> str:
        run_tool(root / 'tools' / 'analysis_tools' / tool, *map(str, arguments))
        return capsys.readouterr().out

    return call


@pytest.fixture(scope='module')
def embedded(trained: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embeddings of the test set, 3 forged and 1 pristine image."""
    out = tmp_path_factory.mktemp('embedded') / 'set.zip'
    write_embeddings(out, embedded_images(read_config(trained[0]), trained[1]))
    return out


def test_embed_writes_the_test_set(analyse: Callable, trained: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / 'set.zip'
    assert f'2 images; written to {out}' in analyse('embed.py', *trained, '--most', 2, '--out', out)
    assert len(read_embeddings(out)) == 2


def test_image_scores_compares_candidates(analyse: Callable, embedded: Path, tmp_path: Path) -> None:
    out = tmp_path / 'scores.json'
    said = analyse('image_scores.py', f'own={embedded}', '--out', out)
    candidates = json.loads(out.read_text())['own']
    assert all(0 <= each['low'] <= each['auc'] <= each['high'] <= 1 for each in candidates.values())
    assert '3 forged and 1 pristine images' in said and 'the gate' in candidates


def test_gates_compares_rules_at_levels_of_false_alarms(analyse: Callable, embedded: Path, tmp_path: Path) -> None:
    out = tmp_path / 'gates.json'
    rules = ('K-means, gate', 'distance to the pristine centre')
    said = analyse('gates.py', f'own={embedded}', f'twice={embedded},{embedded}', '--out', out, '--rules', *rules)
    written = json.loads(out.read_text())
    # The default is there to be compared with.
    assert list(written['own']) == ['pristine centre, gate', *rules]
    assert written['own']['K-means, gate']['own_false_alarm'] > 0
    assert written['own']['distance to the pristine centre']['own_iou'] is None
    levels = ('iou_at_0.1', 'iou_at_0.05', 'iou_at_0.02', 'iou_at_0.01')
    for rule in rules:
        assert [written['own'][rule][each] for each in levels] == [written['twice'][rule][each] for each in levels]
    assert 'own: 3 forged and 1 pristine images' in said


@pytest.mark.parametrize(
    ('said', 'message'),
    [('nowhere.zip', 'expected NAME=FILE'), ('a=nowhere.zip', 'do not exist')],
)
@pytest.mark.parametrize('tool', ['gates.py', 'image_scores.py'])
def test_what_is_wrong_with_a_set_is_said(analyse: Callable, tool: str, said: str, message: str) -> None:
    with pytest.raises(SystemExit, match=f'{tool}: .*{message}'):
        analyse(tool, said)


def test_hdbscan_stability_writes_tables_and_a_figure(analyse: Callable, embedded: Path, tmp_path: Path) -> None:
    analyse('hdbscan_stability.py', '--points', 100, '--out', tmp_path)
    assert len(json.loads((tmp_path / 'made.json').read_text())) == 18
    assert cv2.imread(str(tmp_path / 'made.png')) is not None
    said = analyse('hdbscan_stability.py', '--embeddings', f'own={embedded}', '--factors', 1, '--out', tmp_path)
    assert len(json.loads((tmp_path / 'own.json').read_text())) == 7
    assert 'sharpness of forged images' in said


def test_calibration_transfer_tests_each_folder_with_each(
    analyse: Callable, trained: tuple[Path, Path], picture: Path, tmp_path: Path
) -> None:
    for name in ('one', 'other'):
        (tmp_path / name).mkdir()
        for number in range(2):
            shutil.copy(picture, tmp_path / name / f'{number}.png')
    folders = [f'{name}={tmp_path / name}' for name in ('one', 'other')]
    options = ('calibration_transfer.py', *trained, '--device', 'cpu', '--out', tmp_path / 'found.json', '--pristine')
    analyse(*options, *folders, '--levels', 0.4)
    rows = json.loads((tmp_path / 'found.json').read_text())
    assert len(rows) == 8 and {row['of'] for row in rows} == {'pixels', 'images'}
    # Equal images: none is above its own highest.
    assert all(row['met'] == 0 for row in rows if row['of'] == 'images')
    with pytest.raises(SystemExit, match='needs 19 images'):
        analyse(*options, *folders)
