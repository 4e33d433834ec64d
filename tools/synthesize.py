"""Forge images out of a folder of photographs, in the layout that ForgeryDataset reads.

Started again, it goes on where it was interrupted. Recipes and the manifest's columns are in docs/guide/synthesis.md.

Example:
  python tools/synthesize.py --images photographs --recipe tampcoco --num 10000 --out data/forgery/train --workers 8
  python tools/synthesize.py --images train2017 --objects annotations --recipe psccnet --num 10000 --out data/psccnet
  python tools/synthesize.py --images photographs --recipe mine.yaml --splice 50 --removal 50 --out data/mine
  python tools/synthesize.py --images packaged --recipe world --num 50 --out data/trial
"""

import argparse
import os
import sys
from pathlib import Path

from focal_mmseg.apis.synthesis import synthesize
from focal_mmseg.datasets.synthesis import KINDS, RECIPES
from focal_mmseg.utils import command_parser, count, positive_int, run_command


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = command_parser(__doc__)
    parser.add_argument(
        '--images',
        type=Path,
        required=True,
        help='folder of pristine photographs; packaged means those inside scikit-image and scikit-learn',
    )
    parser.add_argument('--objects', type=Path, help='folder of COCO instances (*.json) or of PNG masks of labels')
    parser.add_argument('--recipe', default='demo', help=f'{", ".join(RECIPES)}, or a YAML file; default %(default)s')
    parser.add_argument('--num', type=count, help='how many images, of the kinds that the recipe has')
    for kind in KINDS:
        parser.add_argument(f'--{kind}', type=count, help='how many of them, in place of --num')
    parser.add_argument('--out', type=Path, required=True, help='folder for images/, masks/ and manifest.csv')
    parser.add_argument('--size', type=positive_int, help="side of the images; default the recipe's")
    parser.add_argument(
        '--most', type=positive_int, help='use so many photographs, spread over the folder; default all'
    )
    parser.add_argument('--seed', type=count, default=0, help='default %(default)s')
    parser.add_argument('--workers', type=positive_int, default=os.cpu_count(), help='processes; default %(default)s')
    args = parser.parse_args()
    given = {kind: vars(args).pop(kind.replace('-', '_')) for kind in KINDS}
    given = {kind: number for kind, number in given.items() if number is not None}
    args.counts = given or args.num
    if (args.num is None) == (not given):
        parser.error(f'give --num, or some of --{", --".join(KINDS)}')
    del args.num
    return args


def main() -> None:
    """Forge."""
    left_out = synthesize(**vars(parse_args()))
    if left_out:
        sys.exit('\n'.join(['left out:', *left_out]))


if __name__ == '__main__':
    run_command(main)
