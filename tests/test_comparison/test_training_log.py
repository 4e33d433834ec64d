"""What a training logged of its steps."""

import json
from pathlib import Path

from focal_mmseg.comparison import read_training_log


def log(folder: Path, start: str, rows: list[dict], end: str = '') -> None:
    path = folder / start / 'vis_data' / 'scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows) + end)


def test_validations_are_left_out(tmp_path: Path) -> None:
    log(
        tmp_path,
        '20260101_000000',
        [{'loss': 2.0, 'iter': 1}, {'forgery/iou': 0.5, 'step': 1}, {'loss': 1.0, 'iter': 2}],
    )
    assert read_training_log(tmp_path) == [{'loss': 2.0, 'iter': 1}, {'loss': 1.0, 'iter': 2}]


def test_steps_after_the_checkpoint_count_once_and_a_cut_line_not_at_all(tmp_path: Path) -> None:
    log(tmp_path, '20260101_000000', [{'loss': float(9 - i), 'iter': i} for i in range(1, 6)], '{"loss": 3.0, "it')
    log(tmp_path, '20260101_000100', [])
    log(tmp_path, '20260102_000000', [{'loss': float(19 - i), 'iter': i} for i in range(4, 8)])
    assert [(each['iter'], each['loss']) for each in read_training_log(tmp_path)] == [
        (1, 8.0),
        (2, 7.0),
        (3, 6.0),
        (4, 15.0),
        (5, 14.0),
        (6, 13.0),
        (7, 12.0),
    ]


def test_a_training_that_was_begun_anew_has_nothing_of_the_one_before(tmp_path: Path) -> None:
    log(tmp_path, '20260101_000000', [{'loss': 9.0, 'iter': i} for i in range(10, 100, 10)])
    log(tmp_path, '20260102_000000', [{'loss': 1.0, 'iter': i} for i in range(10, 30, 10)])
    assert [each['loss'] for each in read_training_log(tmp_path)] == [1.0, 1.0]


def test_nothing_logged_is_no_step(tmp_path: Path) -> None:
    assert read_training_log(tmp_path) == []
