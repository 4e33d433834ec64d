r"""Localise forged regions in your own images; no ground truth is needed.

For each image OUT/<its name>/ gets mask.png (white = forged, the image's size), score.png (16 bits, 65535 = surely
forged), overlay.png and summary.json (forged share, seconds; of FOCAL also clusters found and noise share; of some
models an image score), of TruFor also confidence.png (16 bits, 65535 = sure of the mask), of MVSS-Net edge.png.
--clusters adds clusters.png, whose levels are the numbers of the sources that summary.json describes. An image that
cannot be read, or fails otherwise, is reported, the others go on, and the exit status is 1. Started again, it goes on
with the images that have no result of this model yet, or have changed since.

Example:
  python tools/predict.py photo.jpg --out predictions
  python tools/predict.py photo.jpg --config configs/focal_hrnet.py --checkpoint hrnet.pth --out predictions
  python tools/predict.py folder --config configs/focal_hrnet.py --checkpoint hrnet.pth --out predictions \
      --cfg-options model.decode_head.clusterer.type=KMeansClusterer
  python tools/predict.py folder --calibration calibration.json --out predictions
"""

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from focal_mmseg.apis.predicting import Predicted, predict
from focal_mmseg.apis.prediction_overview import PAGE
from focal_mmseg.apis.run_config import Overrides
from focal_mmseg.utils import command_parser, device_name, run_command

# Beyond so many images the page is the place to look.
MOST_IN_WORDS = 20


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = command_parser(__doc__)
    parser.add_argument(
        'source',
        metavar='input',
        type=Path,
        help='an image, or a folder that is searched for images with its sub-folders',
    )
    parser.add_argument('--config', help='config file of the model; default the network that ships, focal_lite')
    parser.add_argument('--checkpoint', help='its weights; default those that the config names; a fusion needs none')
    parser.add_argument(
        '--calibration',
        help='of tools/calibrate.py: what is forged is decided by its threshold; default the one that ships with the '
        'network, where it is of this model; none leaves the model as it is',
    )
    parser.add_argument(
        '--clusters',
        action='store_true',
        help='write clusters.png too, the number of its source at each forged pixel, and what is known of each source',
    )
    parser.add_argument(
        '--out', type=Path, default=Path('predictions'), help='folder to write into; default %(default)s'
    )
    parser.add_argument(
        '--json', action='store_true', dest='as_json', help='print the summaries as one line of JSON, for programs'
    )
    parser.add_argument('--again', action='store_true', help='replace results that are there, of another model too')
    parser.add_argument('--device', type=device_name, help='cpu, cuda, cuda:1, ...; default cuda where there is one')
    parser.add_argument('--cfg-options', nargs='+', action=Overrides, metavar='KEY=VALUE', help='override the config')
    return parser.parse_args()


def print_words(found: Predicted) -> None:
    """Print what was found, in colours on a terminal."""
    console = Console(highlight=False, soft_wrap=True)
    for name, summary in list(found.summaries.items())[:MOST_IN_WORDS]:
        share = summary['forged_share']
        verdict = (
            f'[red]{share:.1%} of the pixels are called forged[/]' if share else '[green]nothing is called forged[/]'
        )
        score = f', image score {summary["image_score"]:.2f}' if 'image_score' in summary else ''
        console.print(f'{escape(name)}: {verdict}{score}')
    for level in sorted({each['calibration'] for each in found.summaries.values() if 'calibration' in each}):
        console.print(f'false alarms: calibrated for {level}')
    asked = found.num_new + len(found.failures)
    before = len(found.summaries) - found.num_new
    beside = f', beside {before} that were there' if before else ''
    console.print(f'{found.num_new} of {asked} images written{beside}')
    console.print(f'Look at the result: {escape(str(found.folder / PAGE))}')


def main() -> None:
    """Predict."""
    options = vars(parse_args())
    as_json = options.pop('as_json')
    found = predict(**options)
    if as_json:
        print(json.dumps(dict(images=found.summaries, failures=found.failures)))
    else:
        print_words(found)
    if found.failures:
        print(f'{len(found.failures)} images failed; each is named above, with why', file=sys.stderr)
    sys.exit(1 if found.failures else 0)


if __name__ == '__main__':
    run_command(main)
