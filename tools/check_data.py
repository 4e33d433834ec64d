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
import os
import sys
from pathlib import Path

from focal_mmseg.apis.data_checks import check_data
from focal_mmseg.utils import command_parser, positive_int


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = command_parser(__doc__)
    parser.add_argument('sources', nargs='*', help='indexes, folders or configs; but for configs, of the test')
    parser.add_argument('--train', nargs='+', default=[], metavar='SOURCE', help='indexes or folders of the training')
    parser.add_argument('--test', nargs='+', default=[], metavar='SOURCE', help='indexes or folders of the test')
    parser.add_argument('--root', help='folder that index files name files in; default images/ and masks/ beside')
    parser.add_argument('--workers', type=positive_int, default=os.cpu_count() or 1, help='default %(default)s')
    parser.add_argument(
        '--no-duplicates', dest='duplicates', action='store_false', help='do not look for images that come twice'
    )
    parser.add_argument('--strict', action='store_true', help='warnings make the exit code 1 too')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/check_data'), help='default %(default)s')
    args = parser.parse_args()
    if not (args.sources or args.train or args.test):
        parser.error('give a source, or --train and --test')
    return args


def main() -> None:
    """Check."""
    try:
        is_well = check_data(**vars(parse_args()))
    except ImportError as error:
        sys.exit(str(error))
    sys.exit(0 if is_well else 1)


if __name__ == '__main__':
    main()
