"""Test a checkpoint: the table of the metric, and masks and drawings on request.

Example:
  python tools/test.py configs/focal_hrnet.py work_dirs/focal_hrnet/iter_40000.pth
  python tools/test.py configs/focal_hrnet.py hrnet.pth --out masks --show-dir drawings
  python tools/test.py configs/focal_hrnet.py hrnet.pth --tta
  python tools/test.py configs/focal_hrnet.py hrnet.pth --data casia1 misd
  python tools/test.py configs/focal_hrnet.py hrnet.pth --data configs/_base_/datasets/forgery_test.py
  python tools/test.py configs/focal_hrnet.py hrnet.pth --degradation jpeg:70
  python tools/test.py configs/focal_hrnet.py hrnet.pth --calibration calibration.json
  python tools/test.py configs/focal_fusion.py
"""

import argparse

from focal_mmseg.apis import add_run_arguments
from focal_mmseg.apis.testing import test
from focal_mmseg.datasets.degradations import parse_degradation
from focal_mmseg.utils import command_parser, run_command


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = command_parser(__doc__)
    add_run_arguments(parser)
    parser.add_argument(
        'checkpoint',
        nargs='?',
        help='weights; a fusion, and what has no parameters, needs none',
    )
    parser.add_argument(
        '--calibration',
        help='of tools/calibrate.py: what is forged is decided by its threshold; default the one that ships with the '
        'network, where it is of this model; none leaves the model as it is',
    )
    parser.add_argument('--out', help='folder for the predicted masks (white = forged) and images.csv')
    parser.add_argument('--show', action='store_true', help='show each image with its mask in a window')
    parser.add_argument('--show-dir', help='folder for drawings: truth on the left, prediction on the right')
    parser.add_argument('--wait-time', type=float, default=2, help='seconds a window stays with --show')
    parser.add_argument('--tta', action='store_true', help='average the image and its mirror image')
    parser.add_argument(
        '--degradation',
        type=degradation,
        default='none',
        help='what is done to each image first: jpeg:70, blur:5, noise-sigma:5, resize:0.5+jpeg:70, ...: '
        'docs/guide/robustness.md',
    )
    # Intermixed: the checkpoint may stand behind options although it is optional.
    return parser.parse_intermixed_args()


def degradation(text: str) -> str:
    """An ``argparse`` type: a short name of :func:`parse_degradation`."""
    try:
        parse_degradation(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def main() -> None:
    """Test."""
    test(**vars(parse_args()))


if __name__ == '__main__':
    run_command(main)
