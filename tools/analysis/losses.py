"""Trains one config under each loss of table 3, tests it, and prints the table; docs/losses.md has it for the demo.

F1, IoU and AUC are over the forged pictures of the config's test set, false alarms over the pristine ones. A training
that is there already is not done again, so that the command can be interrupted.

Example:
  python tools/analysis/losses.py configs/demo/focal_hrnet-compact.py
  python tools/analysis/losses.py configs/demo/focal_hrnet-compact.py --losses DCL Circle --jobs 2
  python tools/analysis/losses.py configs/focal_hrnet.py --work-dir work_dirs/table3
"""

import argparse
import json
import math
import sys

from prettytable import PrettyTable
from trainings import LOSSES, Training, add_training_arguments, run_all, training_of

from focal_mmseg.evaluation.averages import average_metrics
from focal_mmseg.utils import atomic_write

FIGURES = {'macro_f1': 'macro F1', 'iou': 'IoU', 'auc': 'AUC', 'false_alarm': 'false alarms'}
LAST_STEPS = 20


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_training_arguments(parser)
    parser.add_argument(
        '--losses', nargs='+', choices=list(LOSSES), default=list(LOSSES), metavar='NAME', help='rows; default all'
    )
    return parser.parse_args()


def row_of(training: Training) -> dict[str, float]:
    """The figures of one training."""
    curve, rows = training.curve(), training.rows()
    forged = average_metrics([row for row in rows if not row['is_pristine']], pristine='exclude')
    pristine = average_metrics([row for row in rows if row['is_pristine']], pristine='exclude')
    last = [step['loss'] for step in curve[-LAST_STEPS:]]
    seconds = sorted(step['time'] for step in curve)
    return {
        **{name: (pristine if name == 'false_alarm' else forged)[name] for name in FIGURES},
        'loss': sum(last) / len(last),
        'seconds': seconds[len(seconds) // 2],
    }


def main() -> None:
    """Train, test, print and write."""
    args = parse_args()
    trainings = {name: training_of(name, args) for name in args.losses}
    failures = run_all(trainings.values(), args.jobs)
    table = PrettyTable(('loss', *FIGURES.values(), 'last loss', 's a step'))
    rows = {}
    for name, training in trainings.items():
        if training.name in failures:
            continue
        rows[name] = row_of(training)
        table.add_row((name, *('-' if math.isnan(figure) else f'{figure:.3f}' for figure in rows[name].values())))
    print(table)
    out = args.work_dir / 'losses.json'
    with atomic_write(out) as part:
        part.write_text(json.dumps(rows, indent=2) + '\n', encoding='utf-8')
    print(f'written to {out}')
    if failures:
        sys.exit('\n'.join(['not in the table:', *failures.values()]))


if __name__ == '__main__':
    main()
