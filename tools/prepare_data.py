"""Bring a public data set, as it was downloaded, into the form that the configs read; docs/datasets.md has each set.

Pictures are linked (or copied) unchanged, masks written as 0 (pristine) and 255 (forged). The source is only read. What
is left out is listed at the end and in report.json; the exit code is 1 where that is more than is known of the release.
More than 1 % is an error, and no index is written.

Example:
  python tools/prepare_data.py coverage downloads/COVERAGE
  python tools/prepare_data.py casia1 downloads/CASIA1 --out /data/casia1 --copy
"""

import argparse
import sys
from pathlib import Path

from prettytable import PrettyTable

from focal_mmseg.datasets.converters import SETS, DataSet, Report, convert
from focal_mmseg.datasets.converters.conversion import LeftOutError

LISTED = 20
# Single damaged files are so many; more says that a rule does not fit the download.
MOST_LEFT_OUT = 0.01


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('set', choices=sorted(SETS), metavar='SET', help=f'one of {", ".join(sorted(SETS))}')
    parser.add_argument('source', type=Path, help='the folder it was unpacked into')
    parser.add_argument('--out', type=Path, help='folder to write into; default data/SET')
    parser.add_argument('--copy', action='store_true', help='copy the pictures in place of linking them')
    parser.add_argument(
        '--most-left-out',
        type=share,
        default=MOST_LEFT_OUT,
        metavar='SHARE',
        help='of the forged or the pristine pictures, in 0..1, that may be left out; default %(default)s',
    )
    return parser.parse_args()


def share(text: str) -> float:
    """An ``argparse`` type for a share.

    Raises:
        argparse.ArgumentTypeError: If the text is no number in 0..1.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f'must be a number in 0..1, got {text!r}')
    return value


def show(dataset: DataSet, report: Report) -> None:
    """Counts against the release, and what is unlike it."""
    table = PrettyTable(('kind', 'converted', 'in the release'))
    for kind in sorted({*report.counts, *dataset.counts}):
        table.add_row((kind, report.counts[kind], dataset.counts.get(kind, 0)))
    print(f'\n{table}')
    unused = [f'{number} in {folder}' for folder, number in report.unused.items()]
    for title, lines in (
        ('note', report.notes),
        ('mended', report.mended),
        ('paired by a corrected name', report.renamed),
        ('left out, as is known of the release', report.known),
        ('left out', report.dropped),
        ('images that no rule of this set takes', unused),
    ):
        for line in lines[:LISTED]:
            print(f'{title}: {line}')
        if len(lines) > LISTED:
            print(f'{title}: and {len(lines) - LISTED} more, see report.json')


def main() -> None:
    """Convert."""
    args = parse_args()
    dataset = SETS[args.set]
    out = args.out or Path('data') / dataset.name
    try:
        report = convert(dataset, args.source, out, args.copy, args.most_left_out)
    except LeftOutError as error:
        show(dataset, error.report)
        sys.exit(str(error))
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    show(dataset, report)
    print(f'written to {out}: use data_root={out}, ann_file=index.tsv')
    if report.dropped:
        sys.exit(f'{len(report.dropped)} pictures were left out that the release should have whole')


if __name__ == '__main__':
    main()
