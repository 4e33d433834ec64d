"""Check the images and masks of a data set: are they readable, do they fit, is anything in training and test?

A source is an index (index.tsv, metadata.csv, ...) with images/ and masks/ beside it (or below --root), a folder that
tools/prepare_data.py wrote or of this layout, or a config, whose training, validation and test sets are checked
together. The exit code is 1 where images cannot be used or training images come again in the test; with --strict
also where something should be looked at.

Example:
  python tools/check_data.py data/casia1
  python tools/check_data.py configs/focal_hrnet.py --workers 4
  python tools/check_data.py --train data/casia2 --test data/casia1 data/columbia
  python tools/check_data.py data/imported.tsv --root /data
"""

import argparse
import json
import os
import sys
import warnings
from collections import Counter
from dataclasses import asdict
from functools import partial
from pathlib import Path

from mmengine.utils import ProgressBar
from prettytable import PrettyTable

from focal_mmseg.datasets.checking import Entry, Finding, check_image, list_entries
from focal_mmseg.datasets.checking.contact_sheet import write_contact_sheet
from focal_mmseg.datasets.checking.counts import SetCount, count_sets
from focal_mmseg.datasets.checking.duplicates import Duplicates, find_duplicates
from focal_mmseg.datasets.checking.image_check import ERRORS
from focal_mmseg.datasets.checking.near_duplicates import LIMIT
from focal_mmseg.datasets.converters import SETS
from focal_mmseg.utils import positive_int, worker_pool, written_whole

# Forged images that FOCAL tested on (table 5).
TABLE_5 = {'columbia': 160, 'coverage': 100, 'casia1': 920, 'nist16': 564, 'misd': 227, 'ffpp': 1000}
LISTED = 10


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('sources', nargs='*', help='indexes, folders or configs; but for configs, of the test')
    parser.add_argument('--train', nargs='+', default=[], metavar='SOURCE', help='indexes or folders of the training')
    parser.add_argument('--test', nargs='+', default=[], metavar='SOURCE', help='indexes or folders of the test')
    parser.add_argument('--root', help='folder that index files name files in; default images/ and masks/ beside')
    parser.add_argument('--workers', type=positive_int, default=os.cpu_count() or 1, help='default %(default)s')
    parser.add_argument('--no-duplicates', action='store_true', help='do not look for images that come twice')
    parser.add_argument('--strict', action='store_true', help='warnings make the exit code 1 too')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/check_data'), help='default %(default)s')
    args = parser.parse_args()
    if not (args.sources or args.train or args.test):
        parser.error('give a source, or --train and --test')
    return args


def listed(args: argparse.Namespace) -> tuple[list[Entry], list[str], list[str]]:
    """The images of all sources, what could not be listed, and what the sources hold beside images."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter('always')
        entries, failures = _listed(args)
    return entries, failures, list(dict.fromkeys(str(each.message) for each in told))


def _listed(args: argparse.Namespace) -> tuple[list[Entry], list[str]]:
    entries, failures = [], []
    for part, sources in (('test', args.sources), ('train', args.train), ('test', args.test)):
        for source in sources:
            try:
                found, failed = list_entries(source, part, args.root)
            except (OSError, ValueError) as error:
                found, failed = [], [str(error)]
            entries += found
            failures += [f'{source}: {each}' for each in failed]
    return entries, failures


def checked(entries: list[Entry], workers: int, hashes: bool) -> list[Finding]:
    """Check every image, in their order, with progress."""
    bar = ProgressBar(len(entries))
    found = []
    check = partial(check_image, hashes=hashes)
    if workers == 1:
        for entry in entries:
            found.append(check(entry))
            bar.update()
    else:
        with worker_pool(workers) as pool:
            for each in pool.map(check, entries, chunksize=16):
                found.append(each)
                bar.update()
    print()
    return found


def show_counts(counts: list[SetCount]) -> None:
    """A row a set: how many of what, against its release and table 5."""
    table = PrettyTable(('part', 'set', 'images', 'forged', 'pristine', 'in the release', 'table 5', 'forged share'))
    for each in counts:
        release = SETS[each.dataset].counts if each.dataset in SETS else {}
        pristine = release.get('pristine', 0)
        expected = f'{sum(release.values()) - pristine} / {pristine}' if release else '-'
        numbers = (each.forged + each.pristine, each.forged, each.pristine, expected, TABLE_5.get(each.dataset, '-'))
        share = '-' if each.forged_share is None else f'{each.forged_share:.3f}'
        table.add_row((each.part, each.dataset, *numbers, share))
    print(f'\n{table}')
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


def main() -> None:
    """Check, print and write."""
    args = parse_args()
    entries, failures, notes = listed(args)
    for note in notes:
        print(note)
    try:
        findings = checked(entries, args.workers, not args.no_duplicates)
    except ImportError as error:
        sys.exit(str(error))
    duplicates = Duplicates() if args.no_duplicates else find_duplicates(entries, findings)
    counts = count_sets(entries, findings)
    show_counts(counts)
    problems = show_problems(entries, findings)
    if not args.no_duplicates:
        show_duplicates(duplicates)
    rows = [asdict(entry) | asdict(finding) for entry, finding in zip(entries, findings, strict=True)]
    with written_whole(args.out / 'findings.json') as part:
        content = dict(
            images=rows, counts=list(map(asdict, counts)), not_listed=failures, notes=notes, **asdict(duplicates)
        )
        part.write_text(json.dumps(content), encoding='utf-8')
    write_contact_sheet(args.out / 'contact_sheet.png', entries, findings)
    print(f'\nwritten: {args.out / "findings.json"}, {args.out / "contact_sheet.png"}')
    bad = sum(problems[kind] for kind in ERRORS) + len(duplicates.leaks) + len(failures)
    if not entries and not failures:
        failures = ['there is no image']
    for failure in failures:
        print(f'not checked: {failure}')
    suspect = problems or duplicates.twice or any(each.differs for each in counts)
    if bad or failures or (args.strict and suspect):
        sys.exit(1)


if __name__ == '__main__':
    main()
