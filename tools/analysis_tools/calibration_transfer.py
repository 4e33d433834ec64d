r"""What a level of false alarms becomes on other images: calibrate on each folder, test on the others.

A level is guaranteed for images like those of the calibration; this shows what is left of it on images of other cameras
and other compression. docs/guide/metrics.md has a table.

Example:
  python tools/analysis_tools/calibration_transfer.py configs/focal_lite.py focal_mmseg/weights/focal_lite.pth \
      --pristine casia1=data/casia1/images/pristine cameras=photographs --levels 0.05 0.02 --out work_dirs/transfer.json
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from prettytable import PrettyTable

from focal_mmseg.apis import Calibration, FOCALInferencer
from focal_mmseg.apis.calibration import METHODS, NO_CALIBRATION, PristineMargins, images_needed, require_level
from focal_mmseg.apis.run_config import Overrides
from focal_mmseg.utils import atomic_write, find_images, positive_int
from focal_mmseg.utils.progress import track

COLUMNS = ('of', 'level', 'calibrated on', 'score', 'tested on', 'met', 'met by image scores')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file of the model, or the name of one of this project')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument('--pristine', nargs='+', required=True, metavar='NAME=FOLDER', help='two or more')
    parser.add_argument('--levels', type=float, nargs='+', default=[0.05], help='default 0.05')
    parser.add_argument('--most', type=positive_int, help='so many images of a folder, spread over it; default all')
    parser.add_argument('--out', type=Path, required=True, help='JSON file to write')
    parser.add_argument('--device', help='cpu, cuda, cuda:1, ...; default cuda where there is one')
    parser.add_argument('--cfg-options', nargs='+', action=Overrides, default={}, help='override the config')
    return parser.parse_args()


def list_images(text: str, most: int | None, level: float) -> tuple[str, list[Path]]:
    """The name and the images of a folder, enough for the level.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it has no name, or too few images.
    """
    name, _, folder = text.partition('=')
    if not folder:
        raise ValueError(f'expected NAME=FOLDER, as cameras=photographs, got {text!r}')
    if not Path(folder).is_dir():
        raise FileNotFoundError(f'the folder {folder} does not exist')
    images = find_images(Path(folder))
    places = np.linspace(0, len(images) - 1, min(most or len(images), len(images))).round().astype(int)
    if len(places) < images_needed(level):
        raise ValueError(f'a level of {level:g} needs {images_needed(level)} images, {text} gives {len(places)}')
    return name, [images[place] for place in places]


def transfer_rows(kept: dict[str, PristineMargins], levels: list[float]) -> list[dict]:
    """A row for each kind of level, level, folder to calibrate on and folder to test on."""
    rows = []
    for of in METHODS:
        for level in levels:
            for name, margins in kept.items():
                found = Calibration.from_margins(margins, level, of, dict(weights='', config=''))
                for other, tested in kept.items():
                    met = found.measure_false_alarms(tested), found.measure_image_false_alarms(tested)
                    rows.append(dict(zip(COLUMNS, (of, level, name, found.score, other, *met), strict=True)))
    return rows


def main() -> None:
    """Calibrate, test and print."""
    args = parse_args()
    try:
        for level in args.levels:
            require_level(level)
        folders = dict(list_images(said, args.most, min(args.levels)) for said in args.pristine)
        focal = FOCALInferencer(args.config, args.checkpoint, args.device, args.cfg_options, NO_CALIBRATION)
        kept = {name: PristineMargins() for name in folders}
        for name, images in folders.items():
            for path in track(images, 'images'):
                kept[name].add(*focal.margin_and_image_score(path))
    except (OSError, ValueError) as error:
        sys.exit(f'calibration_transfer.py: {error}')
    rows = transfer_rows(kept, args.levels)
    table = PrettyTable(COLUMNS)
    for row in rows:
        table.add_row([f'{value:.3f}' if isinstance(value, float) else value for value in row.values()])
    counts = ', '.join(f'{name}: {len(images)} images' for name, images in folders.items())
    print(f'\n{table}\n{counts}; written to {args.out}')
    with atomic_write(args.out) as part:
        part.write_text(json.dumps(rows, indent=2) + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
