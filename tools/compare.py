"""Compare models on the same images: a YAML plan in; tables, images and one page out. docs/guide/compare.md has a plan.

Models that have no weights yet are trained if the plan says so, each is tested on each set, and what is there already
is not done again, so that the command can be interrupted. A model that fails is named and left out; the exit code is
then 1.

Example:
  python tools/compare.py configs/plans/demo_networks.yaml
  python tools/compare.py configs/plans/table3_losses.yaml --work-dir work_dirs/table3 --jobs 2
"""

import argparse
import sys
from pathlib import Path

from focal_mmseg.comparison import compare
from focal_mmseg.utils import command_parser, positive_int, run_command


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = command_parser(__doc__)
    parser.add_argument('plan', type=Path, help='a YAML file')
    parser.add_argument('--work-dir', type=Path, help='default work_dirs/compare/<name of the plan>')
    parser.add_argument('--report-only', action='store_true', help='of what is there; nothing is trained or tested')
    parser.add_argument(
        '--jobs', type=positive_int, default=1, help='trainings and tests at a time; default %(default)s'
    )
    parser.add_argument(
        '--threads', type=positive_int, help="of the processor, for each; default 1 with --jobs, else torch's choice"
    )
    return parser.parse_args()


def main() -> None:
    """Compare."""
    failures = compare(**vars(parse_args()))
    if failures:
        sys.exit('\n'.join(['not in the report:', *failures]))


if __name__ == '__main__':
    run_command(main)
