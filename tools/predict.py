r"""Localise forged regions in your own pictures; no ground truth is needed.

For each picture OUT/<its name>/ gets mask.png (white = forged, the picture's size), score.png (16 bits, 65535 = surely
forged), overlay.png and summary.json (forged share, seconds; of FOCAL also clusters found and noise share; of some
models an image score), of TruFor also confidence.png (16 bits, 65535 = sure of the mask), of MVSS-Net edge.png.
--clusters adds clusters.png, whose levels are the numbers of the sources that summary.json describes. A picture that
cannot be read, or fails otherwise, is reported, the others go on, and the exit status is 1. Started again, it goes on
with the pictures that have no result of this model yet, or have changed since.

Example:
  python tools/predict.py photo.jpg --out predictions
  python tools/predict.py photo.jpg --config configs/focal_hrnet.py --checkpoint hrnet.pth --out predictions
  python tools/predict.py folder --config configs/focal_hrnet.py --checkpoint hrnet.pth --out predictions \
      --cfg-options model.decode_head.clusterer.type=KMeansClusterer
  python tools/predict.py folder --calibration calibration.json --out predictions
"""

import argparse
import sys
from pathlib import Path

from mmengine.utils import ProgressBar

from focal_mmseg.apis import FOCALInferencer, model_source
from focal_mmseg.apis.prediction_folder import PredictionFolder, file_state, identity
from focal_mmseg.apis.run_config import Overrides
from focal_mmseg.utils import IMAGE_SUFFIXES, device_name, search_images


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'input', type=Path, help='an image, or a folder that is searched for images with its sub-folders'
    )
    parser.add_argument('--config', help='config file of the model; default the network that ships, focal_lite')
    parser.add_argument('--checkpoint', help='its weights; default those that the config names; a fusion needs none')
    parser.add_argument('--calibration', help='of tools/calibrate.py: what is forged is decided by its threshold')
    parser.add_argument(
        '--clusters',
        action='store_true',
        help='write clusters.png too, the number of its source at each forged pixel, and what is known of each source',
    )
    parser.add_argument('--out', type=Path, required=True, help='folder to write into')
    parser.add_argument('--again', action='store_true', help='replace results that are there, of another model too')
    parser.add_argument('--device', type=device_name, help='cpu, cuda, cuda:1, ...; default cuda where there is one')
    parser.add_argument('--cfg-options', nargs='+', action=Overrides, metavar='KEY=VALUE', help='override the config')
    return parser.parse_args()


def find_pictures(source: Path, out: Path) -> dict[str, Path]:
    """Pictures by their name in the results; earlier results, where they lie in the same folder, are none.

    What else is in the folder is counted in a line of its own.

    Raises:
        FileNotFoundError: If there is nothing there, or no picture in the folder.
    """
    if source.is_file():
        return {source.name: source}
    if not source.is_dir():
        raise FileNotFoundError(f'{source} does not exist')
    found = search_images(source, apart=out)
    if found.left_out:
        print(found.said())
    if not found.paths:
        raise FileNotFoundError(f'{source} holds no picture ({", ".join(IMAGE_SUFFIXES)})')
    return {path.relative_to(source).as_posix(): path for path in found.paths}


def start(args: argparse.Namespace) -> tuple[dict[str, Path], FOCALInferencer, PredictionFolder]:
    """The pictures, the model, and the folder that it writes to.

    Raises:
        OSError: If something that the command line names is missing, or the folder is another model's.
        ValueError: If something that it names cannot be used.
    """
    pictures = find_pictures(args.input, args.out)
    config, checkpoint = model_source(args.config, args.checkpoint)
    focal = FOCALInferencer(config, checkpoint, args.device, args.cfg_options, args.calibration)
    made_by = identity(config, checkpoint, args.cfg_options, args.calibration)
    made_by |= dict(clusters=True) if args.clusters else {}
    results = PredictionFolder(args.out, made_by, focal.color_type)
    results.claim(args.again)
    return pictures, focal, results


def reason(error: Exception) -> str:
    """Why a picture failed, in one line; of what is no complaint about the picture its kind too."""
    said = ' '.join(str(error).split())
    return said if isinstance(error, OSError | ValueError) else f'{type(error).__name__}: {said}'


def main() -> int:
    """Predict; the exit status."""
    args = parse_args()
    try:
        pictures, focal, results = start(args)
    except (OSError, ValueError) as error:
        sys.exit(f'predict.py: {error}')
    waiting = {name: path for name, path in pictures.items() if args.again or not results.is_done(name, path)}
    failed = 0
    progress = ProgressBar(len(waiting)) if waiting else None
    for name, path in waiting.items():
        try:
            state = file_state(path)
            results.write(name, path, state, focal(path))
        except Exception as error:  # whatever is wrong with one picture, the others go on
            failed += 1
            print(f'\nfailed: {path}: {reason(error)}', file=sys.stderr)
        progress.update()
    before = f', beside {len(pictures) - len(waiting)} that were there' if len(waiting) < len(pictures) else ''
    print(f'\n{len(waiting) - failed} of {len(waiting)} pictures written{before}')
    if failed:
        print(f'{failed} pictures failed; each is named above, with why', file=sys.stderr)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
