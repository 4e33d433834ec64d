"""The images of a test in groups: all of them, each data set, each kind of image in a set."""

from collections.abc import Sequence
from dataclasses import dataclass

UNNAMED = 'without a name'


@dataclass(frozen=True)
class Group:
    """Some of the images of a test.

    Attributes:
        name (str): '' for all of them, ``<set>`` or ``<set>/<kind>``.
        rows (list[dict]): An image each.
        is_set (bool): Whether they are a whole data set, one of several.
    """

    name: str
    rows: list[dict]
    is_set: bool = False


def group_rows(rows: Sequence[dict]) -> list[Group]:
    """Images by data set and by kind in a set.

    Args:
        rows (Sequence[dict]): With ``dataset`` and ``kind``.

    Returns:
        list[Group]: All of them, then each set and its kinds; groups that would only repeat their parent are left out.
        A set without a name is called ``UNNAMED`` where there are others.
    """
    by_dataset: dict[str, list[dict]] = {}
    for row in rows:
        by_dataset.setdefault(row['dataset'], []).append(row)
    groups = [Group('', list(rows))]
    for dataset, members in sorted(by_dataset.items()):
        name = dataset or (UNNAMED if len(by_dataset) > 1 else '')
        by_kind: dict[str, list[dict]] = {}
        for row in members:
            by_kind.setdefault(row['kind'] or 'other', []).append(row)
        if len(by_dataset) > 1:
            groups.append(Group(name, members, is_set=True))
        if len(by_kind) > 1:
            groups += [Group(f'{name}/{kind}'.strip('/'), each) for kind, each in sorted(by_kind.items())]
    return groups
