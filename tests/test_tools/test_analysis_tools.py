"""The analysis tools on a tiny set."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from focal_mmseg.apis.embeddings import embedded_images, read_embeddings, write_embeddings
from focal_mmseg.utils import read_config


@pytest.fixture
def run(root: Path) -> Callable[..., subprocess.CompletedProcess]:
    def call(tool: str, *arguments: object) -> subprocess.CompletedProcess:
        command = [sys.executable, root / 'tools' / 'analysis_tools' / tool, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True)

    return call


def test_mask_rules_counts_what_each_rule_loses(run: Callable, tmp_path: Path) -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[:, 20:22] = 255
    mask[40:, 40:] = 255
    cv2.imwrite(str(tmp_path / 'line.png'), mask)
    (tmp_path / 'broken.png').write_text('no image')
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


@pytest.fixture
def analyse(root: Path, run_tool: Callable[..., None], capsys: pytest.CaptureFixture) -> Callable[..., str]:
    """Runs a command in this process; what it prints."""

    def call(tool: str, *arguments: object) -> str:
        run_tool(root / 'tools' / 'analysis_tools' / tool, *map(str, arguments))
        return capsys.readouterr().out

    return call


def test_mask_rules_without_a_mask_says_so(analyse: Callable, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=f'in {tmp_path}'):
        analyse('mask_rules.py', tmp_path)


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


def test_rules_of_the_jpeg_file_need_what_embed_keeps_of_it(analyse: Callable, embedded: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match='hold nothing of the JPEG file'):
        analyse('gates.py', f'own={embedded}', '--rules', 'JPEG stream, gate', '--out', tmp_path / 'gates.json')


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


def test_gates_measures_on_halves_that_were_held_out(analyse: Callable, embedded: Path, tmp_path: Path) -> None:
    out = tmp_path / 'gates.json'
    own = ','.join([str(embedded)] * 8)
    said = analyse('gates.py', f'own={own}', '--out', out, '--rules', 'K-means, gate', '--held-out', 4)
    written = json.loads((tmp_path / 'gates_held_out.json').read_text())
    assert list(written['own']) == ['0.1', '0.05', '0.02', '0.01'] and 'IoU held out' in said
    assert all(0 <= level['iou'] <= 1 and level['alone'] > 0 for level in written['own'].values())


def test_gates_refuses_to_halve_a_set_with_one_pristine_image(
    analyse: Callable, embedded: Path, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit, match='own has too few images'):
        analyse(
            'gates.py', f'own={embedded}', '--out', tmp_path / 'gates.json', '--rules', 'K-means, gate', '--held-out', 2
        )


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
    said = analyse('hdbscan_stability.py', '--embeddings', f'own={embedded}', '--maps', 1, '20x12', '--out', tmp_path)
    rows = json.loads((tmp_path / 'own.json').read_text())
    assert [row['map'] for row in rows] == ['1'] * 7 + ['20x12'] * 7
    with pytest.raises(SystemExit):
        analyse('hdbscan_stability.py', '--embeddings', f'own={embedded}', '--maps', '0x5', '--out', tmp_path)
    assert 'sharpness of forged images' in said


def test_calibration_transfer_tests_each_folder_with_each(
    analyse: Callable, trained: tuple[Path, Path], image_path: Path, tmp_path: Path
) -> None:
    for name in ('one', 'other'):
        (tmp_path / name).mkdir()
        for number in range(2):
            shutil.copy(image_path, tmp_path / name / f'{number}.png')
    folders = [f'{name}={tmp_path / name}' for name in ('one', 'other')]
    options = ('calibration_transfer.py', *trained, '--device', 'cpu', '--out', tmp_path / 'found.json', '--pristine')
    analyse(*options, *folders, '--levels', 0.4)
    rows = json.loads((tmp_path / 'found.json').read_text())
    assert len(rows) == 8 and {row['of'] for row in rows} == {'pixels', 'images'}
    # Equal images: none is above its own highest.
    assert all(row['met'] == 0 for row in rows if row['of'] == 'images')
    with pytest.raises(SystemExit, match='needs 19 images'):
        analyse(*options, *folders)
