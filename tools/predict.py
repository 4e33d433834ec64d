r"""Localise forged regions in your own pictures; no ground truth is needed.

For each picture OUT/<its name>/ gets mask.png (white = forged, the picture's size), score.png (16 bits, 65535 = surely
forged), overlay.png and summary.json (forged share, seconds; of FOCAL also clusters found and noise share). A picture
that cannot be read is reported, the others go on, and the exit status is 1. Started again, it goes on with the pictures
that have no result yet or are newer than theirs.

Example:
  python tools/predict.py photo.jpg --config configs/focal_hrnet.py --checkpoint hrnet.pth --out predictions
  python tools/predict.py folder --config configs/focal_hrnet.py --checkpoint hrnet.pth --out predictions \
      --cfg-options model.decode_head.clusterer.type=KMeansClusterer
"""

import argparse
import json
import sys
from hashlib import sha256
from pathlib import Path

import cv2
import mmcv
import numpy as np
from mmengine.config import Config, DictAction
from mmengine.utils import ProgressBar

from focal_mmseg import __version__
from focal_mmseg.apis import FOCALInferencer, Prediction
from focal_mmseg.utils import IMAGE_SUFFIXES, find_images, write_image, written_whole
from focal_mmseg.visualization import overlay


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('input', type=Path, help='a picture, or a folder that is searched with its sub-folders')
    parser.add_argument('--config', required=True, help='config file of the model')
    parser.add_argument('--checkpoint', help='its weights; a fusion, and what has no parameters, needs none')
    parser.add_argument('--out', type=Path, required=True, help='folder to write into')
    parser.add_argument('--again', action='store_true', help='replace results that are there, of another model too')
    parser.add_argument('--device', help='cpu, cuda, cuda:1, ...; default cuda where there is one')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='override the config')
    return parser.parse_args()


def find_pictures(source: Path, out: Path) -> dict[str, Path]:
    """Pictures by their name in the results; earlier results, where they lie in the same folder, are none.

    Raises:
        FileNotFoundError: If there is nothing there, or no picture in the folder.
    """
    if source.is_file():
        return {source.name: source}
    if not source.is_dir():
        raise FileNotFoundError(f'{source} does not exist')
    paths = [path for path in find_images(source) if not path.resolve().is_relative_to(out.resolve())]
    if not paths:
        raise FileNotFoundError(f'{source} holds no picture ({", ".join(IMAGE_SUFFIXES)})')
    return {path.relative_to(source).as_posix(): path for path in paths}


def claim(args: argparse.Namespace) -> None:
    """Say in OUT/predictions.json what makes the results there.

    Raises:
        FileExistsError: If something else made those that are there.
    """
    weights = None if args.checkpoint is None else sha256(Path(args.checkpoint).read_bytes()).hexdigest()
    options = args.cfg_options or {}
    made_by = dict(
        version=__version__, config=Config.fromfile(args.config).pretty_text, weights=weights, options=options
    )
    made_by = json.loads(json.dumps(made_by))
    stamp = args.out / 'predictions.json'
    if stamp.is_file() and not args.again:
        before = json.loads(stamp.read_text(encoding='utf-8'))
        other = [key for key in made_by if before.get(key) != made_by[key]]
        if other:
            raise FileExistsError(
                f'{args.out} holds results of another {" and ".join(other)}: give another folder, or --again to '
                'replace them'
            )
    with written_whole(stamp) as part:
        part.write_text(json.dumps(made_by, indent=2) + '\n', encoding='utf-8')


def is_done(folder: Path, source: Path) -> bool:
    """Whether a picture has its result; the summary is written last."""
    summary = folder / 'summary.json'
    return summary.is_file() and summary.stat().st_mtime_ns >= source.stat().st_mtime_ns


def write_prediction(folder: Path, source: Path, prediction: Prediction) -> None:
    """Write the four files of a picture, the summary last: where it is, the others are."""
    write_image(folder / 'mask.png', prediction.mask)
    write_image(folder / 'score.png', np.round(prediction.score * 65535).astype(np.uint16))
    write_image(folder / 'overlay.png', overlay(mmcv.imread(str(source)), prediction.mask))
    with written_whole(folder / 'summary.json') as part:
        part.write_text(json.dumps(dict(picture=str(source), **prediction.summary), indent=2) + '\n', encoding='utf-8')


def main() -> int:
    """Predict; the exit status."""
    args = parse_args()
    pictures = find_pictures(args.input, args.out)
    focal = FOCALInferencer(args.config, args.checkpoint, args.device, args.cfg_options)
    claim(args)
    waiting = {name: path for name, path in pictures.items() if args.again or not is_done(args.out / name, path)}
    failures = {}
    progress = ProgressBar(len(waiting)) if waiting else None
    for name, path in waiting.items():
        try:
            write_prediction(args.out / name, path, focal(path))
        except (OSError, ValueError, cv2.error) as error:
            failures[path] = error
        progress.update()
    before = f', beside {len(pictures) - len(waiting)} that were there' if len(waiting) < len(pictures) else ''
    print(f'\n{len(waiting) - len(failures)} of {len(waiting)} pictures written to {args.out}{before}')
    for path, error in failures.items():
        print(f'failed: {path}: {error}', file=sys.stderr)
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
