"""Pictures that come again: in training and test, or twice in one part."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from .entries import Entry
from .near_duplicates import near_pairs
from .picture_check import Finding


@dataclass
class Duplicates:
    """Pairs of files that look alike.

    Attributes:
        leaks (list[tuple[str, str]]): One is in the training, the other in validation or test.
        twice (list[tuple[str, str]]): Both are in one part, and both forged or both pristine.
        originals (list[tuple[str, str]]): Both are in one part, a forged picture and a pristine one: its original.
    """

    leaks: list[tuple[str, str]] = field(default_factory=list)
    twice: list[tuple[str, str]] = field(default_factory=list)
    originals: list[tuple[str, str]] = field(default_factory=list)


def find_duplicates(entries: Sequence[Entry], findings: Sequence[Finding]) -> Duplicates:
    """Compare every picture with every other by its perceptual hash.

    Args:
        entries (Sequence[Entry]): The pictures.
        findings (Sequence[Finding]): Theirs, with hashes; pictures without one are left out.

    Returns:
        Duplicates: One file that is named twice is no pair.
    """
    places: dict[str, list[int]] = {}
    for place, (entry, finding) in enumerate(zip(entries, findings, strict=True)):
        if finding.phash is not None:
            places.setdefault(entry.part, []).append(place)
    hashes = {
        part: np.array([findings[place].phash for place in members], np.uint64) for part, members in places.items()
    }
    found = Duplicates()
    for part, members in places.items():
        for i, j in near_pairs(hashes[part], hashes[part]):
            first, second = members[i], members[j]
            if entries[first].image != entries[second].image:
                alike = bool(findings[first].forged_share) == bool(findings[second].forged_share)
                pair = (entries[first].image, entries[second].image)
                (found.twice if alike else found.originals).append(pair)
    for one, other in combinations(places, 2):
        if 'train' not in (one, other):
            continue
        for i, j in near_pairs(hashes[one], hashes[other]):
            found.leaks.append((entries[places[one][i]].image, entries[places[other][j]].image))
    return found
