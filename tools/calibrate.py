r"""Set a model's false alarms: find, on pristine images, the threshold that keeps them at a level.

The file that it writes is read by --calibration of predict.py and test.py, for this model alone. Of pixels: at most
the level, in the mean over images, of a pristine image's pixels is called forged. Of images: at most the level of
pristine images has any pixel called forged. A model's image score moves too: whichever the level is of, at most that
share of pristine images scores above 1/2. All is guaranteed for images like those in the folder: of the same
cameras, with the same history of editing and compression; docs/guide/metrics.md says more. A level needs a number of
images: 0.05 needs 19, 0.01 needs 99; many more make the result of one calibration steady. An image that cannot be read
is reported, the others go on, and the exit status is 1.

Example:
  python tools/calibrate.py configs/focal_hrnet.py hrnet.pth --pristine photographs --false-alarms 0.05 --out five.json
  python tools/calibrate.py configs/focal_hrnet.py hrnet.pth --pristine photographs --false-alarms 0.01 --of images \
      --out one.json
"""

import argparse
import sys
from pathlib import Path

from focal_mmseg.apis import Calibration, FOCALInferencer, model_source
from focal_mmseg.apis.calibration import (
    METHODS,
    NO_CALIBRATION,
    PristineMargins,
    fingerprint,
    images_needed,
    require_level,
)
from focal_mmseg.apis.run_config import Overrides
from focal_mmseg.utils import command_parser, find_images
from focal_mmseg.utils.progress import track


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = command_parser(__doc__)
    parser.add_argument('config', help='config file of the model, or the name of one of this project')
    parser.add_argument('checkpoint', nargs='?', help='its weights; default those that the config names')
    parser.add_argument('--pristine', type=Path, required=True, help='folder of images without any forgery')
    parser.add_argument('--false-alarms', type=float, required=True, metavar='LEVEL', help='as 0.05 for 5 %%')
    parser.add_argument('--of', choices=tuple(METHODS), default='pixels', help='default %(default)s')
    parser.add_argument('--out', type=Path, required=True, help='file to write, as calibration.json')
    parser.add_argument('--device', help='cpu, cuda, cuda:1, ...; default cuda where there is one')
    parser.add_argument('--cfg-options', nargs='+', action=Overrides, metavar='KEY=VALUE', help='override the config')
    # Intermixed: the checkpoint may stand behind options although it is optional.
    return parser.parse_intermixed_args()


def find_pristine(folder: Path, level: float) -> list[Path]:
    """The images, enough of them for the level.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If the level is none, or there are too few images for it.
    """
    require_level(level)
    if not folder.is_dir():
        raise FileNotFoundError(f'the folder {folder} does not exist')
    found = find_images(folder)
    if len(found) < images_needed(level):
        raise ValueError(
            f'a level of {level:g} needs at least {images_needed(level)} pristine images, {folder} holds {len(found)}'
        )
    return found


def main() -> int:
    """Calibrate; the exit status."""
    args = parse_args()
    margins, failed = PristineMargins(), 0
    try:
        images = find_pristine(args.pristine, args.false_alarms)
        config, checkpoint = model_source(args.config, args.checkpoint)
        focal = FOCALInferencer(config, checkpoint, args.device, args.cfg_options, NO_CALIBRATION)
        for path in track(images, 'images'):
            try:
                margins.add(*focal.margin_and_image_score(path))
            except Exception as error:  # whatever is wrong with one image, the others go on
                failed += 1
                print(f'\nfailed: {path}: {" ".join(str(error).split())}', file=sys.stderr)
        model = fingerprint(config, checkpoint, args.cfg_options)
        found = Calibration.from_margins(margins, args.false_alarms, args.of, model)
        found.write(args.out)
    except (OSError, ValueError) as error:
        sys.exit(f'calibrate.py: {error}')
    print(f'\nfalse alarms: {found}; score above {found.score:.4g} of the model as it is; written to {args.out}')
    if found.image_threshold is not None:
        print(f'image score: {found.image_threshold:.4g} of the model as it is becomes 1/2')
    if failed:
        print(f'{failed} images failed; each is named above, with why', file=sys.stderr)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
