"""How masks come to the resolution of the embeddings: four rules, and what each loses and adds.

docs/notes/losses.md has it.

Each mask is resized to the network's input first. A region is a connected forged area of at least 16 pixels there; it
is lost if no embedding over it is forged. Added and missed are pixels on the wrong side, as a share of the forged area.

Example:
  python tools/analysis_tools/mask_rules.py data/forgery/test/masks
  python tools/analysis_tools/mask_rules.py CASIA/groundtruth --side 512 --strides 4 16
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models.embedding_maps import downsample_mask
from focal_mmseg.utils import positive_int, read_image, write_json
from focal_mmseg.utils.tables import text_table

SMALLEST_REGION = 16


def _share(masks: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(masks[:, None].float(), size=size, mode='area')[:, 0]


RULES: dict[str, Callable[[Tensor, tuple[int, int]], Tensor]] = {
    'half, or alone (ours)': downsample_mask,
    'half': lambda masks, size: _share(masks, size) >= 0.5,
    'any pixel': lambda masks, size: _share(masks, size) > 0,
    'nearest pixel': lambda masks, size: F.interpolate(masks[:, None].float(), size=size, mode='nearest-exact')[:, 0],
}


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('masks', type=Path, help='folder of masks, white = forged; its subfolders count')
    parser.add_argument('--side', type=positive_int, default=1024, help="of the network's input; default %(default)s")
    parser.add_argument('--strides', type=positive_int, nargs='+', default=[4, 8, 16], help='default %(default)s')
    parser.add_argument('--glob', default='*.png', help='which files are masks; default %(default)s')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/mask_rules.json'), help='default %(default)s')
    return parser.parse_args()


def counts(mask: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Regions, those lost, and the shares of pixels added and missed, of one mask (H, W) and its embeddings (h, w)."""
    forged = cv2.resize(cells.astype(np.uint8), mask.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    number, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    large = [i for i in range(1, number) if statistics[i, cv2.CC_STAT_AREA] >= SMALLEST_REGION]
    lost = sum(not forged[labels == i].any() for i in large)
    return np.array([len(large), lost, (forged & ~mask).sum() / mask.sum(), (mask & ~forged).sum() / mask.sum()])


def main() -> None:
    """Count, print and write."""
    args = parse_args()
    masks, unread = [], []
    for path in sorted(args.masks.rglob(args.glob)):
        mask = read_image(path, cv2.IMREAD_GRAYSCALE)
        if mask is None:
            unread.append(str(path))
            continue
        mask = cv2.resize(mask, (args.side, args.side), interpolation=cv2.INTER_NEAREST) > 127
        if mask.any():
            masks.append(mask)
    if not masks:
        sys.exit(f'no mask with a forged pixel among {args.glob} in {args.masks}')
    rows = []
    for stride in args.strides:
        size = (args.side // stride,) * 2
        for name, rule in RULES.items():
            found = [counts(mask, rule(torch.from_numpy(mask).long()[None], size)[0].numpy()) for mask in masks]
            regions, lost = np.sum(found, axis=0)[:2]
            added, missed = np.mean(found, axis=0)[2:]
            row = dict(stride=stride, rule=name, regions=int(regions), lost=int(lost), added=added, missed=missed)
            rows.append(row)
    print(text_table(list(rows[0]), [list(row.values()) for row in rows]))
    write_json(args.out, rows)
    print(f'{len(masks)} masks; written to {args.out}')
    if unread:
        sys.exit('\n'.join(['cannot read:', *unread]))


if __name__ == '__main__':
    main()
