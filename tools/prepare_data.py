"""Bring a public data set, as it was downloaded, into the form that the configs read.

docs/guide/datasets.md has each set.

Images are linked (or copied) unchanged, masks written as 0 (pristine) and 255 (forged). The source is only read. What
is left out is listed at the end and in report.json; the exit code is 1 where that is more than is known of the release.
More than 1 % is an error, and no index is written.

Example:
  python tools/prepare_data.py coverage downloads/COVERAGE
  python tools/prepare_data.py casia1 downloads/CASIA1 --out /data/casia1 --copy
"""

import argparse
import sys
from pathlib import Path

from focal_mmseg.apis.data_preparation import MOST_LEFT_OUT, prepare_data
from focal_mmseg.datasets.converters import SETS
from focal_mmseg.utils import command_parser, run_command, share


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = command_parser(__doc__)
    parser.add_argument('name', choices=sorted(SETS), metavar='SET', help=f'one of {", ".join(sorted(SETS))}')
    parser.add_argument('source', type=Path, help='the folder it was unpacked into')
    parser.add_argument('--out', type=Path, help='folder to write into; default data/SET')
    parser.add_argument('--copy', action='store_true', help='copy the images in place of linking them')
    parser.add_argument(
        '--most-left-out',
        type=share,
        default=MOST_LEFT_OUT,
        metavar='SHARE',
        help='of the forged or the pristine images, in 0..1, that may be left out; default %(default)s',
    )
    return parser.parse_args()


def main() -> None:
    """Convert."""
    dropped = prepare_data(**vars(parse_args()))
    if dropped:
        sys.exit(f'{len(dropped)} images were left out that the release should have whole')


if __name__ == '__main__':
    run_command(main)
