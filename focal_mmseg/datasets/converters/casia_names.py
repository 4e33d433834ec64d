"""Names of CASIA's forgeries, of which the masks carry corrected ones and many images the old."""

import re
from collections.abc import Callable, Hashable, Iterable

EXACT = ''
# Of source and target, of which one was corrected, so many stay.
SHARED = 1


def match_names(wanted: Iterable[str], there: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Which of the names that are there means each of the wanted ones.

    The same name first, in any case; then, among what is left, a corrected name: with D and S (from a different
    image, from the same) exchanged, source and target exchanged, or one of these two another. Each step pairs only
    what no other name of either side could mean: the number at the end alone is not unique.

    Args:
        wanted (Iterable[str]): Stems, as ``Sp_D_NRN_A_ani0001_arc0059_0404`` or ``Tp_D_CRN_S_N_<from>_<to>_<number>``.
        there (Iterable[str]): Stems.

    Returns:
        dict: Of each wanted name that is found, the one that is there, and the rule that it was found by, '' for the
            same name.
    """
    left_wanted, left_there = dict.fromkeys(wanted), dict.fromkeys(there)
    found: dict[str, tuple[str, str]] = {}
    for rule, key in _RULES:
        groups: dict[Hashable, tuple[list[str], list[str]]] = {}
        for side, names in enumerate((left_wanted, left_there)):
            for name in names:
                if (value := key(name)) is not None:
                    groups.setdefault(value, ([], []))[side].append(name)
        for ours, theirs in groups.values():
            if len(ours) == len(theirs) == 1 and _may_mean(ours[0], theirs[0], rule):
                found[ours[0]] = (theirs[0], rule)
        for name, (other, _) in found.items():
            left_wanted.pop(name, None)
            left_there.pop(other, None)
    return found


def _parts(name: str) -> list[str] | None:
    """Letters, processing, source, target and number of a name; None where it is built otherwise."""
    parts = re.split(r'[_.]', name.lower())
    return parts if len(parts) >= 6 and parts[-1].isdigit() else None


def _open_kind(name: str) -> Hashable:
    parts = _parts(name)
    return None if parts is None else (parts[0], *parts[2:])


def _open_sides(name: str) -> Hashable:
    parts = _parts(name)
    return None if parts is None else (parts[0], *parts[2:-3], *sorted(parts[-3:-1]), parts[-1])


def _open_one(name: str) -> Hashable:
    parts = _parts(name)
    return None if parts is None else (parts[0], *parts[2:-3], parts[-1])


def _may_mean(name: str, other: str, rule: str) -> bool:
    """Whether a pair is more than a number that happens to be the same."""
    if rule != _ONE:
        return True
    ours, theirs = _parts(name), _parts(other)
    return ours is not None and theirs is not None and len({*ours[-3:-1]} & {*theirs[-3:-1]}) >= SHARED


_ONE = 'source or target corrected'
_RULES: tuple[tuple[str, Callable[[str], Hashable]], ...] = (
    (EXACT, str),
    (EXACT, str.lower),
    ('D and S exchanged', _open_kind),
    ('source and target exchanged', _open_sides),
    (_ONE, _open_one),
)
