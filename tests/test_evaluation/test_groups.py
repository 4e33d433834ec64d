"""Groups of images."""

from focal_mmseg.evaluation.groups import UNNAMED, group_rows


def row(dataset: str, kind: str = '', number: int = 0) -> dict:
    return dict(dataset=dataset, kind=kind, image=f'{kind}/{number}')


def names_of(rows: list[dict]) -> list[tuple[str, int, bool]]:
    return [(each.name, len(each.rows), each.is_set) for each in group_rows(rows)]


def test_sets_and_their_kinds_are_groups() -> None:
    rows = [row('b', 'splice'), row('b', ''), row('a', 'splice'), row('a', 'splice')]
    assert names_of(rows) == [
        ('', 4, False),
        ('a', 2, True),
        ('b', 2, True),
        ('b/other', 1, False),
        ('b/splice', 1, False),
    ]


def test_a_set_without_a_name_is_not_taken_for_all_images() -> None:
    assert names_of([row(''), row('a'), row('a')]) == [('', 3, False), (UNNAMED, 1, True), ('a', 2, True)]
    assert names_of([row('', 'splice'), row('')]) == [('', 2, False), ('other', 1, False), ('splice', 1, False)]
