"""The images and masks of data sets checked, as tools/check_data.py does it."""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from focal_mmseg.datasets.checking import Entry, Finding, check_image, list_entries
from focal_mmseg.datasets.checking.contact_sheet import write_contact_sheet
from focal_mmseg.datasets.checking.counts import SetCount, count_sets
from focal_mmseg.datasets.checking.duplicates import Duplicates, find_duplicates
from focal_mmseg.datasets.checking.image_check import ERRORS
from focal_mmseg.datasets.checking.near_duplicates import LIMIT
from focal_mmseg.datasets.converters import SETS
from focal_mmseg.utils import worker_pool, write_json
from focal_mmseg.utils.progress import track
from focal_mmseg.utils.tables import NOTHING, text_table

# Forged images that FOCAL tested on (table 5).
TABLE_5 = {'columbia': 160, 'coverage': 100, 'casia1': 920, 'nist16': 564, 'misd': 227, 'ffpp': 1000}
LISTED = 10


def check_data(
    sources: Sequence[str] = (),
    *,
    train: Sequence[str] = (),
    test: Sequence[str] = (),
    root: str | None = None,
    workers: int = 1,
    duplicates: bool = True,
    strict: bool = False,
    out: str | Path = Path('work_dirs/check_data'),
) -> bool:
    """Check the images and masks of data sets, say what was found, and write it.

    Args:
        sources (Sequence[str]): Indexes, folders or configs; but for configs, of the test.
        train (Sequence[str]): Indexes or folders of the training.
        test (Sequence[str]): Indexes or folders of the test.
        root (str, optional): Folder that index files name files in. Defaults to images/ and masks/ beside each.
        workers (int): Processes. Defaults to 1.
        duplicates (bool): Look for images that come twice. Defaults to True.
        strict (bool): What should be looked at counts as wrong too. Defaults to False.
        out (str | Path): Folder for ``findings.json`` and ``contact_sheet.png``.

    Returns:
        bool: Whether all is well.

    Raises:
        ImportError: If a package is missing that the search for duplicates needs.
    """
    parts = (('test', sources), ('train', train), ('test', test))
    entries, failures, notes = list_all(parts, root)
    for note in notes:
        print(note)
    findings = check_entries(entries, workers, duplicates)
    found = find_duplicates(entries, findings) if duplicates else Duplicates()
    counts = count_sets(entries, findings)
    show_counts(counts)
    problems = show_problems(entries, findings)
    if duplicates:
        show_duplicates(found)
    rows = [asdict(entry) | asdict(finding) for entry, finding in zip(entries, findings, strict=True)]
    content = dict(images=rows, counts=list(map(asdict, counts)), not_listed=failures, notes=notes, **asdict(found))
    out = Path(out)
    write_json(out / 'findings.json', content, indent=None)
    write_contact_sheet(out / 'contact_sheet.png', entries, findings)
    print(f'\nwritten: {out / "findings.json"}, {out / "contact_sheet.png"}')
    bad = sum(problems[kind] for kind in ERRORS) + len(found.leaks)
    for failure in failures or ([] if entries else ['there is no image']):
        bad += 1
        print(f'not checked: {failure}')
    suspect = problems or found.twice or any(each.differs for each in counts)
    return not bad and not (strict and suspect)


def list_all(parts: Sequence[tuple[str, Sequence[str]]], root: str | None) -> tuple[list[Entry], list[str], list[str]]:
    """The images of sources, what could not be listed, and what the sources hold beside images.

    Args:
        parts (Sequence[tuple[str, Sequence[str]]]): ``'train'`` or ``'test'``, and sources.
        root (str, optional): See :func:`check_data`.
    """
    entries, failures = [], []
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter('always')
        for part, sources in parts:
            for source in sources:
                try:
                    found, failed = list_entries(source, part, root)
                except (OSError, ValueError) as error:
                    found, failed = [], [str(error)]
                entries += found
                failures += [f'{source}: {each}' for each in failed]
    return entries, failures, list(dict.fromkeys(str(each.message) for each in told))


def check_entries(entries: list[Entry], workers: int, hashes: bool) -> list[Finding]:
    """Check every image, in their order, with progress."""
    check = partial(check_image, hashes=hashes)
    if workers == 1:
        return list(track(map(check, entries), 'images', len(entries)))
    with worker_pool(workers) as pool:
        return list(track(pool.map(check, entries, chunksize=16), 'images', len(entries)))


def show_counts(counts: list[SetCount]) -> None:
    """A row a set: how many of what, against its release and table 5."""
    rows = []
    for each in counts:
        release = SETS[each.dataset].counts if each.dataset in SETS else {}
        pristine = release.get('pristine', 0)
        expected = f'{sum(release.values()) - pristine} / {pristine}' if release else NOTHING
        numbers = (
            each.forged + each.pristine,
            each.forged,
            each.pristine,
            expected,
            TABLE_5.get(each.dataset, NOTHING),
        )
        rows.append((each.part, each.dataset, *numbers, each.forged_share))
    headings = ('part', 'set', 'images', 'forged', 'pristine', 'in the release', 'table 5', 'forged share')
    print(text_table(headings, rows))
    for each in counts:
        if each.differs:
            print(f'count differs: {each.part} {each.dataset} has {each.forged} forged images, not {each.accepted}')


def show_problems(entries: list[Entry], findings: list[Finding]) -> Counter:
    """Say what is wrong, the first of each kind by name; how many of each."""
    by_kind: dict[str, list[str]] = {}
    for entry, finding in zip(entries, findings, strict=True):
        for kind, text in finding.problems:
            by_kind.setdefault(kind, []).append(f'{entry.image}: {text}')
    for kind, lines in by_kind.items():
        print(f'\n{kind}: {len(lines)}')
        print('\n'.join(f'  {line}' for line in lines[:LISTED]))
        if len(lines) > LISTED:
            print(f'  and {len(lines) - LISTED} more, see findings.json')
    return Counter({kind: len(lines) for kind, lines in by_kind.items()})


def show_duplicates(duplicates: Duplicates) -> None:
    """Say which images come again."""
    for title, pairs in (
        ('in training and in test', duplicates.leaks),
        ('twice in one part', duplicates.twice),
        ('forged images with their originals, as they should be', duplicates.originals),
    ):
        identical = sum(pair.identical for pair in pairs)
        print(f'\n{title}: {len(pairs)}{f", {identical} of them identical files" if identical else ""}')
        if pairs is not duplicates.originals:
            for pair in pairs[:LISTED]:
                print(f'  {pair.first} and {pair.second} {"are identical" if pair.identical else "look alike"}')
    for part in duplicates.cut_short:
        print(f'the search in {part} ended with {LIMIT} pairs: there may be more')
