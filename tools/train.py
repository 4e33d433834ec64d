"""Train a model, on mmengine's Runner.

Example:
  python tools/train.py configs/focal_vit.py
  python tools/train.py configs/focal_hrnet.py --amp --cfg-options train_dataloader.batch_size=2
  python tools/train.py configs/focal_vit.py --data configs/_base_/datasets/forgery_train.py
  python tools/train.py configs/focal_vit.py --data casia2 imd2020
  python tools/train.py configs/focal_vit.py --track tensorboard
  torchrun --nproc-per-node 4 tools/train.py configs/focal_vit.py --launcher pytorch
"""

import argparse

from focal_mmseg.apis import add_run_arguments
from focal_mmseg.apis.tracking import TRACKERS
from focal_mmseg.apis.training import train
from focal_mmseg.utils import command_parser, run_command


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = command_parser(__doc__)
    add_run_arguments(parser)
    parser.add_argument('--resume', action='store_true', help='go on from the latest whole checkpoint in the work dir')
    parser.add_argument('--amp', action='store_true', help='train in automatic mixed precision')
    parser.add_argument(
        '--track', nargs='+', choices=list(TRACKERS), default=[], help='show curves and sample images there too'
    )
    return parser.parse_args()


def main() -> None:
    """Train."""
    train(**vars(parse_args()))


if __name__ == '__main__':
    run_command(main)
