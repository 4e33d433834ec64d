r"""Why HDBSCAN keeps an image whole, on made embeddings and on a network's.

docs/notes/clustering.md has the conclusion.

Made: two round groups at right angles. For each number of points, share of the smaller group and sharpness (distance of
the group means over the root mean square distance to them) the table has the stability of the best parts over that of
the whole, above 1 of which HDBSCAN splits, and the IoU of HDBSCAN and of K-means. The figure draws the ratio.
Of a network (--embeddings, of embed.py): the settings of the paper's journal version and of this project, on the map as
it is and enlarged, IoU and false alarms; and the sharpness of its forged images, by their masks.

Example:
  python tools/analysis_tools/hdbscan_stability.py --out work_dirs/stability
  python tools/analysis_tools/hdbscan_stability.py --embeddings casia1=casia1.zip --most 60 --maps 1 2 256x256 \
      --out work_dirs/stability
"""

import argparse
import json
import re
import sys
from pathlib import Path

import numpy as np
from prettytable import PrettyTable

from focal_mmseg.analysis.embedding_sets import describe_counts, read_set
from focal_mmseg.analysis.hdbscan_stability import (
    compute_image_sharpness,
    measure_real_case,
    measure_synthetic_case,
    resize_map,
)
from focal_mmseg.apis.embeddings import EmbeddedImage
from focal_mmseg.utils import atomic_write, positive_int
from focal_mmseg.utils.progress import track
from focal_mmseg.visualization import new_figure

SHARES = (0.05, 0.2, 0.4)
SPREADS = (0.2, 0.4, 0.6, 0.8, 1.0, 1.4)
COLUMNS = ('points', 'share', 'spread', 'sharpness', 'ratio', 'hdbscan', 'k_means')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--points', type=positive_int, nargs='+', default=[400, 1600, 3200], help='default %(default)s')
    parser.add_argument('--width', type=positive_int, default=32, help='of made embeddings; default %(default)s')
    parser.add_argument('--embeddings', metavar='NAME=FILE[,FILE...]', help='a set of embed.py, in place of made ones')
    parser.add_argument(
        '--maps', type=map_size, nargs='+', default=['1', '2'], help='factors of enlargement, or sizes as 256x256; 1 2'
    )
    parser.add_argument('--most', type=positive_int, help='so many images of the set, spread over it; default all')
    parser.add_argument('--out', type=Path, required=True, help='folder to write the tables and the figure to')
    return parser.parse_args()


def map_size(said: str) -> str:
    """An ``argparse`` type: a factor or a size in points."""
    if not re.fullmatch(r'[1-9]\d*(x[1-9]\d*)?', said):
        raise argparse.ArgumentTypeError(f'expected a factor, as 2, or a size in points, as 256x256, got {said!r}')
    return said


def grid_of(said: str, grid: tuple[int, int]) -> tuple[int, int]:
    """Height and width that :func:`map_size` means for a map of a size."""
    first, *second = map(int, said.split('x'))
    return (first, *second) if second else (first * grid[0], first * grid[1])


def measure_synthetic_cases(points: list[int], width: int) -> list[dict[str, float]]:
    """A row a case."""
    cases = [(number, share, spread) for number in points for share in SHARES for spread in SPREADS]
    return [measure_synthetic_case(*case, width=width) for case in track(cases, 'cases')]


def draw(rows: list[dict[str, float]], path: Path) -> None:
    """The ratio over the sharpness, a panel for each number of points."""
    numbers = sorted({row['points'] for row in rows})
    figure = new_figure(3.5 * len(numbers), 3.2)
    for axis, number in zip(figure.subplots(1, len(numbers), sharey=True, squeeze=False)[0], numbers, strict=True):
        for share in SHARES:
            own = [row for row in rows if (row['points'], row['share']) == (number, share)]
            sharpness, ratio = ([row[name] for row in own] for name in ('sharpness', 'ratio'))
            axis.plot(sharpness, ratio, 'o-', label=f'{share:.0%} forged')
        axis.axhline(1, color='black', linewidth=0.8)
        axis.set(title=f'{number} points', xlabel='sharpness')
    figure.axes[0].set_ylabel('stability, parts over whole')
    figure.axes[0].legend()
    with atomic_write(path) as part:
        figure.savefig(part, dpi=120)


def measure_real_cases(images: list[EmbeddedImage], maps: list[str]) -> list[dict]:
    """A row for each size of the maps and setting: the means over images."""
    rows = []
    for said in maps:
        cases = [measure_real_case(resize_map(image, grid_of(said, image.grid))) for image in track(images, 'images')]
        for name in cases[0]:
            means = {key: float(np.nanmean([case[name][key] for case in cases])) for key in ('iou', 'false_alarm')}
            rows.append(dict(map=said, setting=name, **means))
    return rows


def report(rows: list[dict], columns: tuple[str, ...], path: Path) -> None:
    """Print a table and write it."""
    table = PrettyTable(columns)
    for row in rows:
        table.add_row([f'{row[each]:.3g}' if isinstance(row[each], float) else row[each] for each in columns])
    print(f'\n{table}\nwritten to {path}')
    with atomic_write(path) as part:
        part.write_text(json.dumps(rows, indent=2) + '\n', encoding='utf-8')


def main() -> None:
    """Measure, print, draw."""
    args = parse_args()
    if args.embeddings is None:
        rows = measure_synthetic_cases(args.points, args.width)
        draw(rows, args.out / 'made.png')
        report(rows, COLUMNS, args.out / 'made.json')
        return
    try:
        name, images = read_set(args.embeddings, args.most)
    except (OSError, ValueError) as error:
        sys.exit(f'hdbscan_stability.py: {error}')
    print(f'{name}: {describe_counts(images)}')
    sharp = [value for value in map(compute_image_sharpness, images) if not np.isnan(value)]
    if sharp:
        quartiles = np.percentile(sharp, (25, 50, 75))
        print('sharpness of forged images, quartiles:', *(f'{each:.2f}' for each in quartiles))
    report(measure_real_cases(images, args.maps), ('map', 'setting', 'iou', 'false_alarm'), args.out / f'{name}.json')


if __name__ == '__main__':
    main()
