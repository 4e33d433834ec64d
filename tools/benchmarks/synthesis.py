"""What synthesis costs: images a second on one core, beside the cost of decoding and encoding alone.

Seconds are those of the processor, so that other work on the machine does not count. The photographs are packaged ones
as JPEG files of the images' size, or those of a folder of yours. The floor reads the photographs that an image is
made of, two for a splice and one else, and writes an image and a mask. Photographs are read anew for every image,
unless --memory keeps some, as tools/synthesize.py does with 256 MiB; the floor always reads them.

Example:
  python tools/benchmarks/synthesis.py
  python tools/benchmarks/synthesis.py --recipes tampcoco mine.yaml --num 500
  python tools/benchmarks/synthesis.py --recipes world --size 256 --photographs data/photographs --memory 256
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from focal_mmseg.datasets.synthesis import (
    PACKAGED,
    Forgery,
    Photographs,
    Sources,
    allocate_kinds,
    load_packaged,
    make_image,
    read_recipe,
)
from focal_mmseg.datasets.synthesis.writer import write_forgery
from focal_mmseg.utils import count, find_images, positive_int, write_json
from focal_mmseg.utils.tables import text_table

QUALITY = 90
COLUMNS = ('recipe', 'kind', 'images/s', 'ms', 'floor ms', 'of floor')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--recipes', nargs='+', default=['tampcoco', 'psccnet', 'demo'], help='default %(default)s')
    parser.add_argument('--num', type=positive_int, default=200, help='images of a recipe; default %(default)s')
    parser.add_argument('--size', type=positive_int, default=512, help='their side; default %(default)s')
    parser.add_argument('--photographs', type=Path, help='folder of photographs; default packaged ones')
    parser.add_argument('--memory', type=count, default=0, help='MiB of photographs to keep; default %(default)s')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/synthesis.json'), help='default %(default)s')
    return parser.parse_args()


def write_photographs(folder: Path, size: int) -> list[Path]:
    """Squares of the packaged photographs, as JPEG files."""
    for name in PACKAGED:
        image = load_packaged(name)
        side = min(image.shape[:2])
        square = cv2.resize(image[:side, :side], (size, size), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f'{name}.jpg'), square[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return find_images(folder)


def list_folder(folder: Path) -> list[Path]:
    """The photographs of a folder.

    Raises:
        ValueError: If it has none.
    """
    paths = find_images(folder)
    if not paths:
        raise ValueError(f'{folder} holds no photograph')
    return paths


def measure(recipe_name: str, folder: Path, paths: list[Path], out: Path, args: argparse.Namespace) -> list[dict]:
    """A row for each kind and one for all; images and floors take turns."""
    recipe = replace(read_recipe(recipe_name), size=args.size)
    sources, read_anew = Sources(Photographs(folder, paths, args.memory << 20)), Photographs(folder, paths, 0)
    for kind in recipe.kinds:
        # The first image of a kind pays for what is loaded then.
        make_image(sources, recipe, kind, 0, 1)
    taken: dict[str, list[tuple[float, float]]] = {}
    for kind, number in allocate_kinds(args.num, recipe.kinds).items():
        for index in range(number):
            start = time.process_time()
            made = make_image(sources, recipe, kind, index, 0)
            write_forgery(made.forgery, out, str(made.row['image']))
            between = time.process_time()
            floor(read_anew, made.row, made.forgery, out)
            taken.setdefault(kind, []).append((between - start, time.process_time() - between))
    taken['all'] = [each for kind in list(taken) for each in taken[kind]]
    return [row(recipe_name, kind, seconds) for kind, seconds in taken.items()]


def floor(photographs: Photographs, made: dict, forgery: Forgery, out: Path) -> None:
    """Read what the image was made of, and write it again."""
    for name in {made['host'], made['donor']} - {''}:
        photographs[name]
    write_forgery(forgery, out, 'floor')


def row(recipe: str, kind: str, seconds: list[tuple[float, float]]) -> dict:
    """Means of all images; the median of the quotients is not moved by a noisy moment."""
    own, least = np.mean(seconds, axis=0)
    return dict(
        recipe=recipe,
        kind=kind,
        images_per_second=1 / own,
        milliseconds=1e3 * own,
        floor_milliseconds=1e3 * least,
        of_floor=own / least,
        median_of_floor=statistics.median(one / other for one, other in seconds),
    )


def main() -> None:
    """Measure, print and write."""
    args = parse_args()
    cv2.setNumThreads(1)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, 'photographs'), Path(folder, 'out')
        source.mkdir()
        source = args.photographs or source
        paths = list_folder(source) if args.photographs else write_photographs(source, args.size)
        for recipe in args.recipes:
            rows += measure(recipe, source, paths, out, args)
    shown = [
        (each['recipe'], each['kind'], *[value for value in each.values() if isinstance(value, float)][:4])
        for each in rows
    ]
    print(text_table(COLUMNS, shown, '.3g'))
    write_json(args.out, rows)
    print(f'written to {args.out}')


if __name__ == '__main__':
    main()
