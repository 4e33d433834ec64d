"""How many pictures a set has, against its release."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from focal_mmseg.datasets.converters import SETS

from .entries import Entry
from .picture_check import Finding


@dataclass(frozen=True)
class SetCount:
    """A set in one part.

    Attributes:
        part (str): ``'train'``, ``'val'`` or ``'test'``.
        dataset (str): Its name.
        forged (int): Pictures with forged pixels.
        pristine (int): The others, also those whose mask cannot be read.
        forged_share (float | None): Of a forged picture's pixels, the median; None where none is forged.
        accepted (str): Numbers of forged pictures that count as the whole set; '' where any number does.
        differs (bool): Whether the number of forged pictures is none of them.
    """

    part: str
    dataset: str
    forged: int
    pristine: int
    forged_share: float | None
    accepted: str
    differs: bool


def count_sets(entries: Sequence[Entry], findings: Sequence[Finding]) -> list[SetCount]:
    """Count the pictures of each set in each part.

    Args:
        entries (Sequence[Entry]): The pictures.
        findings (Sequence[Finding]): Theirs.
    """
    groups: dict[tuple[str, str], list[Finding]] = {}
    for entry, finding in zip(entries, findings, strict=True):
        groups.setdefault((entry.part, entry.dataset), []).append(finding)
    counts = []
    for (part, name), members in groups.items():
        shares = [each.forged_share for each in members if each.forged_share]
        accepted = SETS[name].accepted if name in SETS else ()
        median = float(np.median(shares)) if shares else None
        differs = bool(accepted) and len(shares) not in accepted
        counts.append(
            SetCount(part, name, len(shares), len(members) - len(shares), median, _in_words(accepted), differs)
        )
    return counts


def _in_words(accepted: Collection[int]) -> str:
    if isinstance(accepted, range):
        return f'{accepted[0]} to {accepted[-1]}'
    return ' or '.join(map(str, accepted))
