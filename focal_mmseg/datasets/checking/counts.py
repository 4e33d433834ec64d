"""How many images a set has, against its release."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from focal_mmseg.datasets.converters import SETS

from .entries import Entry
from .image_check import Finding


@dataclass(frozen=True)
class SetCount:
    """A set in one part.

    Attributes:
        part (str): ``'train'``, ``'val'`` or ``'test'``.
        dataset (str): Its name.
        forged (int): Images with forged pixels.
        pristine (int): The others, also those whose mask cannot be read.
        forged_share (float | None): Of a forged image's pixels, the median; None where none is forged.
        accepted (str): Numbers of forged images that count as the whole set; '' where any number does.
        differs (bool): Whether the number of forged images is none of them.
    """

    part: str
    dataset: str
    forged: int
    pristine: int
    forged_share: float | None
    accepted: str
    differs: bool


def count_sets(entries: Sequence[Entry], findings: Sequence[Finding]) -> list[SetCount]:
    """Count the images of each set in each part.

    Args:
        entries (Sequence[Entry]): The images.
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
            SetCount(part, name, len(shares), len(members) - len(shares), median, _describe(accepted), differs)
        )
    return counts


def _describe(accepted: Collection[int]) -> str:
    if isinstance(accepted, range):
        return f'{accepted[0]} to {accepted[-1]}'
    return ' or '.join(map(str, accepted))
