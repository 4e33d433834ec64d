"""The analysis tools on a tiny set."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest


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


def test_image_scores_ranks_forged_before_pristine_pictures(
    run: Callable, trained: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / 'scores.json'
    found = run('image_scores.py', *trained, '--out', out)
    assert found.returncode == 0, found.stderr
    aucs = json.loads(out.read_text())
    assert len(aucs) == 10 and all(0 <= auc <= 1 for auc in aucs.values())
    assert '3 forged and 1 pristine images' in found.stdout


def test_gates_compares_rules_at_levels_of_false_alarms(
    run: Callable, trained: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / 'gates.json'
    found = run('gates.py', *trained, '--out', out)
    assert found.returncode == 0, found.stderr
    rules = json.loads(out.read_text())
    assert len(rules) == 6 and all(rule['iou_at_0.1'] >= 0 for rule in rules.values())
    assert rules['K-means, gate']['own_false_alarm'] > 0
    assert rules['distance to the pristine centre']['image_score'] is None
    assert '3 forged and 1 pristine images' in found.stdout


def test_a_point_joins_the_largest_part_where_the_tree_is_cut(load_tool: Callable) -> None:
    heights = load_tool('analysis_tools/gates.py').joining_heights
    tree = np.array([[0, 1, 0.1], [2, 3, 0.2], [1, 4, 0.3], [4, 2, 0.9]])
    assert heights(tree).tolist() == [0, 0.1, 0.9, 0.9, 0.3]
