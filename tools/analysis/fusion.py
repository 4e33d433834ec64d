"""What a fusion gains: members alone, fused embeddings, union, intersection (figure 7); docs/fusion.md has the table.

Each row is a run of tools/test.py on the fusion config's test set: a member alone is the fusion in which the others
have no weight, so that all rows have one clusterer. F1, IoU and AUC are over the forged pictures, false alarms over the
pristine ones. The picture shows input, truth and the mask of each row. A row that is there already is not tested again.

Example:
  python tools/analysis/fusion.py configs/demo/focal_fusion-compact.py
  python tools/analysis/fusion.py configs/focal_fusion.py --work-dir work_dirs/fusion --pictures 8
"""

import argparse
import json
import math
import sys
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from prettytable import PrettyTable

import focal_mmseg  # noqa: F401
from focal_mmseg.apis.run_config import parse_options
from focal_mmseg.evaluation import read_rows
from focal_mmseg.evaluation.averages import average_metrics
from focal_mmseg.reports.pictures import by_picture, sources, spread_over, write_masks
from focal_mmseg.utils import atomic_write, override, positive_int, read_config

sys.path.insert(0, str(Path(__file__).parents[1]))
from running import Step

FIGURES = {'macro_f1': 'macro F1', 'iou': 'IoU', 'auc': 'AUC', 'false_alarm': 'false alarms'}


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config of a FOCALFusion, as configs/demo/focal_fusion-compact.py')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/fusion'), help='default %(default)s')
    parser.add_argument('--pictures', type=positive_int, default=6, help='drawn; default %(default)s')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='override the config in each')
    return parser.parse_args()


def config_of(args: argparse.Namespace) -> Config:
    """The config with its overrides.

    Raises:
        SystemExit: If it is of no fusion.
    """
    cfg = read_config(args.config)
    override(cfg, parse_options(args.cfg_options))
    if not cfg.model.get('members'):
        sys.exit(f'{args.config} has no model.members: give the config of a FOCALFusion')
    return cfg


def rows_of(members: list[dict]) -> dict[str, list[str]]:
    """The overrides of each row, by its name."""
    rows = {}
    for number, member in enumerate(members):
        name = Path(member['config']).stem
        name = f'{name} ({number + 1})' if name in rows else name
        weights = [f'model.members.{other}.weight={float(other == number)}' for other in range(len(members))]
        rows[name] = ['model.mode=features', *weights]
    equal = [f'model.members.{number}.weight=1.0' for number in range(len(members))]
    return rows | {
        'fused embeddings': ['model.mode=features'],
        'union': ['model.mode=union', *equal],
        'intersection': ['model.mode=intersection', *equal],
    }


def means_of(folder: Path) -> dict[str, float]:
    """The figures of one row."""
    pictures = read_rows(folder / 'images.csv')
    forged = average_metrics([row for row in pictures if not row['is_pristine']], pristine='exclude')
    pristine = average_metrics([row for row in pictures if row['is_pristine']], pristine='exclude')
    return {name: (pristine if name == 'false_alarm' else forged)[name] for name in FIGURES}


def draw(cfg: Config, folders: dict[str, Path], number: int, path: Path) -> None:
    """Some pictures, evenly from the test set: input, truth, and the mask of each row with its IoU."""
    init_default_scope('mmseg')
    chosen = spread_over(list(sources(DATASETS.build(cfg.test_dataloader.dataset))), number)
    values = {name: by_picture(read_rows(folder / 'images.csv'), 'iou') for name, folder in folders.items()}
    write_masks(path, chosen, folders, values)


def main() -> None:
    """Test, print, draw and write."""
    args = parse_args()
    cfg = config_of(args)
    folders, results, failures = {}, {}, []
    for name, options in rows_of(cfg.model.members).items():
        folder = args.work_dir / name.replace(' ', '-')
        overrides = (*args.cfg_options, *options)
        step = Step('test.py', folder, args.config, options=overrides, arguments=('--out', str(folder)))
        print(f'{name}: {"is there" if step.is_done else "testing"}', flush=True)
        try:
            step.run()
        except (RuntimeError, OSError, ValueError) as error:
            failures.append(f'{name}: {error}')
            continue
        folders[name], results[name] = folder, means_of(folder)
    table = PrettyTable(('result', *FIGURES.values()))
    for name, means in results.items():
        table.add_row((name, *('-' if math.isnan(means[key]) else f'{means[key]:.3f}' for key in FIGURES)))
    print(table)
    with atomic_write(args.work_dir / 'fusion.json') as part:
        part.write_text(json.dumps(results, indent=2) + '\n', encoding='utf-8')
    if folders:
        draw(cfg, folders, args.pictures, args.work_dir / 'fusion.png')
        print(f'figures: {args.work_dir / "fusion.json"}, pictures: {args.work_dir / "fusion.png"}')
    if failures:
        sys.exit('\n'.join(['not in the table:', *failures]))


if __name__ == '__main__':
    main()
