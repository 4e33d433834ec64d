"""Tests one checkpoint on degraded pictures and draws the curves (figure 9); docs/robustness.md has those of the demo.

Each row is a run of tools/test.py --degradation on the config's test set; of several sets each counts once. F1, IoU and
AUC are over the forged pictures, false alarms over the pristine ones. A test that is there already is not done again,
so that the command can be interrupted.

Example:
  python tools/analysis/robustness.py configs/demo/focal_hrnet-compact.py work_dirs/demo/trained.pth --preset focal
  python tools/analysis/robustness.py configs/focal_hrnet.py hrnet.pth --degradations none jpeg:70 resize:0.5+jpeg:70
"""

import argparse
import json
import math
import sys
from pathlib import Path

from prettytable import PrettyTable

from focal_mmseg.datasets.degradations import NONE, PRESETS, parse_degradation, strength_panels
from focal_mmseg.evaluation.rows import read_rows
from focal_mmseg.reports.results import over_sets
from focal_mmseg.utils import written_whole
from focal_mmseg.visualization import write_panels

sys.path.insert(0, str(Path(__file__).parents[1]))
from running import Step

FIGURES = {'macro_f1': 'macro F1', 'iou': 'IoU', 'auc': 'AUC', 'false_alarm': 'false alarms'}


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file, as configs/focal_hrnet.py')
    parser.add_argument('checkpoint', nargs='?', help='weights; a fusion needs none')
    which = parser.add_mutually_exclusive_group()
    which.add_argument('--preset', choices=list(PRESETS), default='focal', help='grid of a paper; default %(default)s')
    which.add_argument('--degradations', nargs='+', metavar='NAME', help='these instead, as for test.py --degradation')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/robustness'), help='default %(default)s')
    parser.add_argument('--out', type=Path, help='JSON of the table; the curves lie beside it; default in the work dir')
    parser.add_argument('--figure', choices=list(FIGURES), default='macro_f1', help='drawn; default %(default)s')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='override the config in each')
    args = parser.parse_intermixed_args()
    for name in args.degradations or ():
        try:
            parse_degradation(name)
        except ValueError as error:
            parser.error(str(error))
    return args


def test(name: str, args: argparse.Namespace) -> dict[str, float]:
    """The figures under one degradation, from a test that is there or a new one.

    Raises:
        OSError: If a file is missing or cannot be written.
        RuntimeError: If the test fails; names the log.
        ValueError: If the config cannot be read.
    """
    folder = args.work_dir / name.replace(':', '-')
    arguments = ('--degradation', name, '--out', str(folder))
    step = Step('test.py', folder, args.config, args.checkpoint, tuple(args.cfg_options), arguments)
    print(f'{name}: {"is there" if step.is_done else "testing"}', flush=True)
    step.run()
    means = over_sets(read_rows(folder / 'pictures.csv'))
    return {figure: means[figure] for figure in FIGURES}


def report(results: dict[str, dict[str, float]], args: argparse.Namespace) -> None:
    """Print the table, write it, and draw the curves."""
    table = PrettyTable(('degradation', *FIGURES.values()))
    for name, means in results.items():
        table.add_row((name, *('-' if math.isnan(value) else f'{value:.3f}' for value in means.values())))
    print(table)
    out = args.out or args.work_dir / 'robustness.json'
    with written_whole(out) as part:
        part.write_text(json.dumps(results, indent=2) + '\n', encoding='utf-8')
    print(f'figures: {out}')
    values = {name: means[args.figure] for name, means in results.items()}
    if panels := strength_panels({'': values}):
        picture = out.with_suffix('.png')
        write_panels(picture, panels, FIGURES[args.figure], {'': values[NONE]} if NONE in values else {})
        print(f'curves: {picture}')


def main() -> None:
    """Test, print, write and draw."""
    args = parse_args()
    results, failures = {}, []
    for name in args.degradations or PRESETS[args.preset]:
        try:
            results[name] = test(name, args)
        except (RuntimeError, OSError, ValueError) as error:
            failures.append(f'{name}: {error}')
            print(failures[-1], flush=True)
    report(results, args)
    if failures:
        sys.exit('\n'.join(['not in the table:', *failures]))


if __name__ == '__main__':
    main()
