"""Forge images out of a folder of photographs, in the layout that ForgeryDataset reads.

Started again, it goes on where it was interrupted. Recipes and the manifest's columns are in docs/synthesis.md.

Example:
  python tools/synthesize.py --images photographs --recipe tampcoco --num 10000 --out data/forgery/train --workers 8
  python tools/synthesize.py --images train2017 --objects annotations --recipe psccnet --num 10000 --out data/psccnet
  python tools/synthesize.py --images photographs --recipe mine.yaml --splice 50 --removal 50 --out data/mine
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from focal_mmseg.datasets.synthesis import (
    KINDS,
    RECIPES,
    ObjectMasks,
    Photographs,
    Sources,
    read_recipe,
    share_out,
    synthesize,
)
from focal_mmseg.utils import IMAGE_SUFFIXES, count, positive_int, run_command, search_images


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--images', type=Path, required=True, help='folder of pristine photographs')
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
    args.counts = {kind: vars(args)[kind.replace('-', '_')] for kind in KINDS}
    args.counts = {kind: number for kind, number in args.counts.items() if number is not None}
    if (args.num is None) == (not args.counts):
        parser.error(f'give --num, or some of --{", --".join(KINDS)}')
    return args


def main() -> None:
    """Forge."""
    args = parse_args()
    recipe = read_recipe(args.recipe)
    if args.size:
        recipe = replace(recipe, size=args.size)
    found = search_images(args.images)
    paths = found.paths
    if found.left_out:
        print(found.said())
    if not paths:
        raise FileNotFoundError(f'{args.images} holds no photograph ({", ".join(IMAGE_SUFFIXES)})')
    chosen = np.linspace(0, len(paths) - 1, min(len(paths), args.most or len(paths))).round().astype(int)
    photographs = Photographs(args.images, [paths[index] for index in chosen])
    objects = {}
    if args.objects:
        objects = ObjectMasks(args.objects, photographs)
        print(f'{len(objects)} of {len(photographs)} photographs have masks of objects')
        for reason, number in sorted(objects.skipped.items()):
            print(f'objects left out: {number} {reason}')
    counts = args.counts or share_out(args.num, recipe.kinds)
    written = synthesize(Sources(photographs, objects), recipe, counts, args.out, args.seed, args.workers)
    before = sum(counts.values()) - written.made
    print(
        f'\n{written.made} images out of {len(photographs)} photographs written to {args.out}'
        f'{f", beside {before} that were there" if before else ""}'
    )
    if written.left_out:
        sys.exit('\n'.join(['left out:', *(written.left_out[name] for name in sorted(written.left_out))]))


if __name__ == '__main__':
    run_command(main)
