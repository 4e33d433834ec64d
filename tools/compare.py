"""Compare models on the same pictures: a YAML plan in; tables, pictures and one page out. docs/compare.md has a plan.

Models that have no weights yet are trained if the plan says so, each is tested on each set, and what is there already
is not done again, so that the command can be interrupted. A model that fails is named and left out; the exit code is
then 1.

Example:
  python tools/compare.py configs/demo/networks.yaml
  python tools/compare.py configs/ablations/losses.yaml --work-dir work_dirs/table3
"""

import argparse
import sys
from pathlib import Path

from comparing import Comparison
from comparison_report import write_report
from progress import Progress

from focal_mmseg.reports import read_plan


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('plan', type=Path, help='a YAML file')
    parser.add_argument('--work-dir', type=Path, help='default work_dirs/compare/<name of the plan>')
    parser.add_argument('--report-only', action='store_true', help='of what is there; nothing is trained or tested')
    return parser.parse_args()


def execute(comparison: Comparison) -> list[str]:
    """Train and test what is missing, and say how far it is; what went wrong."""
    failures = []
    waiting = [work for work in comparison.steps() if not work.is_done]
    progress = Progress([work.kind for work in waiting])
    for work in waiting:
        progress.begin(work.title)
        try:
            work.step().run(progress=progress)
            progress.end(True)
        except (RuntimeError, OSError, ValueError) as error:
            progress.end(False)
            failures.append(f'{work.title}: {error}')
            print(failures[-1], flush=True)
    return failures


def main() -> None:
    """Execute and report."""
    args = parse_args()
    try:
        plan = read_plan(args.plan)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    comparison = Comparison(plan, args.work_dir or Path('work_dirs') / 'compare' / args.plan.stem)
    failures = [] if args.report_only else execute(comparison)
    if not comparison.tested:
        sys.exit('\n'.join(['nothing was tested, so there is no report', *failures]))
    write_report(comparison)
    print(comparison.table().to_markdown())
    print(f'report: {comparison.folder / "report.html"}')
    if failures:
        sys.exit('\n'.join(['not in the report:', *failures]))


if __name__ == '__main__':
    main()
