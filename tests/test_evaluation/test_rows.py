"""Groups of pictures, and the file of the figures of each."""

import math
from pathlib import Path

import pytest

from focal_mmseg.evaluation.picture_figures import FIGURES
from focal_mmseg.evaluation.pooling import COUNTS
from focal_mmseg.evaluation.rows import COLUMNS, UNNAMED, group, read_rows, write_rows


def row(dataset: str, kind: str = '', number: int = 0) -> dict:
    return dict(dataset=dataset, kind=kind, picture=f'{kind}/{number}')


def names_of(rows: list[dict]) -> list[tuple[str, int, bool]]:
    return [(each.name, len(each.rows), each.is_set) for each in group(rows)]


def test_sets_and_their_kinds_are_groups() -> None:
    rows = [row('b', 'splice'), row('b', ''), row('a', 'splice'), row('a', 'splice')]
    assert names_of(rows) == [
        ('', 4, False),
        ('a', 2, True),
        ('b', 2, True),
        ('b/other', 1, False),
        ('b/splice', 1, False),
    ]


def test_a_set_without_a_name_is_not_taken_for_all_pictures() -> None:
    assert names_of([row(''), row('a'), row('a')]) == [('', 3, False), (UNNAMED, 1, True), ('a', 2, True)]
    assert names_of([row('', 'splice'), row('')]) == [('', 2, False), ('other', 1, False), ('splice', 1, False)]


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = [
        row('a', 'splice', number)
        | dict(is_pristine=number > 0, called_forged=number == 0, image_score=0.25)
        | dict.fromkeys(FIGURES, 1 / 3)
        | dict.fromkeys(COUNTS, number)
        | dict(iou=math.nan, ranking='left out')
        for number in range(2)
    ]
    write_rows(tmp_path / 'pictures.csv', rows)
    for found, written in zip(read_rows(tmp_path / 'pictures.csv'), rows, strict=True):
        assert found == pytest.approx({name: written[name] for name in COLUMNS}, nan_ok=True)


def test_rows_of_another_version_are_refused(tmp_path: Path) -> None:
    (tmp_path / 'pictures.csv').write_text('dataset,kind,picture,is_pristine,iou\na,b,c,True,1.0\n')
    with pytest.raises(ValueError, match=r"no column 'called_forged': it is of another version, run the test again"):
        read_rows(tmp_path / 'pictures.csv')
