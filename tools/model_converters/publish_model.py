"""Make a small checkpoint to hand out: the weights alone, in half precision.

A checkpoint of a training also holds the optimizer's state, the log and, with EMAHook, the weights of the last step.
The file has the weights that a test of the checkpoint would use, and the names of the two classes. Of several
checkpoints of one network it has the mean, as of the ends of two trainings of which one goes on from the other.

Example:
  python tools/model_converters/publish_model.py work_dirs/focal_lite/iter_5200.pth focal_lite.pth
  python tools/model_converters/publish_model.py first/iter_2800.pth second/iter_5000.pth focal_lite.pth
"""

import argparse
from pathlib import Path

import torch

from focal_mmseg.datasets import ForgeryDataset
from focal_mmseg.engine.checkpoint import load_weights
from focal_mmseg.utils import atomic_write, run_command


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoints', nargs='+', metavar='checkpoint', help='of a training')
    parser.add_argument('out', type=Path, help='file to write')
    return parser.parse_args()


def mean_weights(checkpoints: list[str]) -> dict[str, torch.Tensor]:
    """The mean of weights; what is no float is of the last.

    Raises:
        ValueError: If they are of networks that differ.
    """
    first, *others = [load_weights(path) for path in checkpoints]
    for path, other in zip(checkpoints[1:], others, strict=True):
        if {name: value.shape for name, value in other.items()} != {name: value.shape for name, value in first.items()}:
            raise ValueError(f'{path} is of another network than {checkpoints[0]}')
    states = [first, *others]
    last = states[-1]
    return {
        name: torch.stack([each[name].double() for each in states]).mean(0).to(value.dtype)
        if value.is_floating_point()
        else value
        for name, value in last.items()
    }


def main() -> None:
    """Write the weights.

    Raises:
        ValueError: If a weight does not fit into half precision, or the networks differ.
    """
    args = parse_args()
    state = mean_weights(args.checkpoints)
    halves = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    too_large = [name for name, value in halves.items() if not value.isfinite().all()]
    if too_large:
        raise ValueError(f'{too_large[0]} of {args.checkpoints[0]} does not fit into half precision')
    with atomic_write(args.out) as part:
        torch.save(dict(state_dict=halves, meta=dict(dataset_meta=dict(ForgeryDataset.METAINFO))), part)
    print(f'{len(halves)} entries, {args.out.stat().st_size / 2**20:.1f} MiB, written to {args.out}')


if __name__ == '__main__':
    run_command(main)
