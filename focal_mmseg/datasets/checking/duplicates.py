"""Images that come again: in training and test, or twice in one part."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from focal_mmseg.utils.progress import Bars

from .entries import Entry
from .image_check import Finding
from .near_duplicates import LIMIT, NEAR, find_near_pairs


@dataclass(frozen=True)
class Pair:
    """Two files that look alike.

    Attributes:
        first (str): Of the training, in a leak.
        second (str): The other.
        identical (bool): Whether their bytes are the same.
    """

    first: str
    second: str
    identical: bool


@dataclass
class Duplicates:
    """Pairs of files that look alike.

    Attributes:
        leaks (list[Pair]): One is in the training, the other in validation or test.
        twice (list[Pair]): Both are in one part, and both forged or both pristine.
        originals (list[Pair]): Both are in one part, a forged image and a pristine one: its original.
        cut_short (list[str]): Searches that ended with ``LIMIT`` pairs, and may have missed others.
    """

    leaks: list[Pair] = field(default_factory=list)
    twice: list[Pair] = field(default_factory=list)
    originals: list[Pair] = field(default_factory=list)
    cut_short: list[str] = field(default_factory=list)


def find_duplicates(entries: Sequence[Entry], findings: Sequence[Finding], limit: int = LIMIT) -> Duplicates:
    """Compare every image with every other by its perceptual hash, with progress.

    Args:
        entries (Sequence[Entry]): The images.
        findings (Sequence[Finding]): Theirs, with hashes; images without one are left out.
        limit (int): Pairs with which a search ends, one within each part and one between two. Defaults to 100,000.

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
    parts = sorted(places, key=lambda part: part != 'train')
    searches = [(part, part) for part in parts] + [each for each in combinations(parts, 2) if 'train' in each]
    found = Duplicates()
    with Bars() as bars:
        bar = bars.add('comparisons', len(searches) * (NEAR + 1))
        for one, other in searches:
            near = find_near_pairs(hashes[one], hashes[other], NEAR, limit, lambda: bars.advance(bar))
            if len(near) == limit:
                found.cut_short.append(f'{one} and {other}' if one != other else one)
            for i, j in near:
                first, second = places[one][i], places[other][j]
                if one != other:
                    found.leaks.append(_pair(entries, findings, first, second))
                elif entries[first].image != entries[second].image:
                    alike = bool(findings[first].forged_share) == bool(findings[second].forged_share)
                    (found.twice if alike else found.originals).append(_pair(entries, findings, first, second))
    return found


def _pair(entries: Sequence[Entry], findings: Sequence[Finding], first: int, second: int) -> Pair:
    same = findings[first].content == findings[second].content
    return Pair(entries[first].image, entries[second].image, same)
