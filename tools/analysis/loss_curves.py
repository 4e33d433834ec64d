"""Figure 4: one config trained twice from the same seed, with its loss image by image and with the batch merged.

Writes both curves as PNG and JSON, and says how spiky each is: the mean distance of the loss to its running median over
21 steps, as a share of the median's whole way. A training that is there already, also by losses.py, is not done again.

Example:
  python tools/analysis/loss_curves.py configs/demo/focal_hrnet-compact.py
"""

import argparse
import json
import sys

from prettytable import PrettyTable
from trainings import add_training_arguments, run_all, training_of

from focal_mmseg.utils import atomic_write
from focal_mmseg.visualization import plot_curves, spikiness

SCOPES = {'image by image (eq. 3)': 'InfoNCE++', 'merged batch': 'InfoNCE++ (Batch)'}


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_training_arguments(parser)
    return parser.parse_args()


def main() -> None:
    """Train, draw, print and write."""
    args = parse_args()
    trainings = {name: training_of(loss, args) for name, loss in SCOPES.items()}
    failures = run_all(trainings.values(), args.jobs)
    if failures:
        sys.exit('\n'.join(failures.values()))
    curves = {name: {step['iter']: step['loss'] for step in training.curve()} for name, training in trainings.items()}
    table = PrettyTable(('loss', 'first', 'last', 'spikiness'))
    losses = {name: list(curve.values()) for name, curve in curves.items()}
    for name, values in losses.items():
        table.add_row((name, *(f'{figure:.3f}' for figure in (values[0], values[-1], spikiness(values)))))
    print(table)
    plot_curves(args.work_dir / 'loss_curves.png', curves, 'loss')
    with atomic_write(args.work_dir / 'loss_curves.json') as part:
        rows = {name: dict(spikiness=spikiness(values), loss=values) for name, values in losses.items()}
        part.write_text(json.dumps(rows) + '\n', encoding='utf-8')
    print(f'written to {args.work_dir / "loss_curves.png"} and .json')


if __name__ == '__main__':
    main()
