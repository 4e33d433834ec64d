"""FOCAL on real photographs: the network that ships finds forgeries, then a small one is trained, tested and drawn.

The first part takes a minute on two CPU cores, the second some more.

Example:
  python tools/demo.py
  python tools/demo.py --only-shipped
  python tools/demo.py --work-dir work_dirs/demo-1 --seed 1
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.runner import set_random_seed
from mmseg.registry import MODELS
from prettytable import PrettyTable

from focal_mmseg.apis import FOCALInferencer
from focal_mmseg.datasets.synthesis import PACKAGED, Sources, load_packaged, read_recipe, synthesize
from focal_mmseg.evaluation import read_rows
from focal_mmseg.evaluation.averages import average_metrics
from focal_mmseg.evaluation.localisation import localisation_metrics
from focal_mmseg.utils import atomic_write, count, read_config
from focal_mmseg.utils.screen import calm
from focal_mmseg.utils.tables import number_text
from focal_mmseg.visualization import plot_grid

TOOLS = Path(__file__).parent
SHIPPED = TOOLS.parent / 'configs' / 'focal_lite.py'
SHIPPED_COUNTS = {'splice': 16, 'copy-move': 8, 'pristine': 8}
SHIPPED_SIZE = 384
# The rows of its grid: the forgeries that have these shares of the others below them, by IoU.
RANKS = (0.2, 0.4, 0.6, 0.8)
CONFIG = TOOLS.parent / 'configs' / 'demo' / 'focal_hrnet-compact.py'
TRAIN_PHOTOGRAPHS = ('astronaut', 'china', 'coffee', 'motorcycle')
TEST_PHOTOGRAPHS = ('chelsea', 'flower', 'rocket')
# Mostly copy-moves: their two sides show the same scene, so that the traces are what tells them apart.
TRAIN_COUNTS = {'splice': 200, 'copy-move': 600}
TEST_COUNTS = {'splice': 24, 'copy-move': 24, 'pristine': 12}
METRICS = {'macro_f1': 'macro F1', 'iou': 'IoU', 'auc': 'AUC', 'false_alarm': 'false alarms'}
ROWS_OF_A_KIND = 2


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/demo'), help='default %(default)s')
    parser.add_argument('--only-shipped', action='store_true', help='end after the first part; nothing is trained')
    parser.add_argument('--seed', type=count, default=0, help='of the forgeries and the training; default %(default)s')
    return parser.parse_args()


def show_shipped(work_dir: Path, seed: int) -> None:
    """Test the network that ships on new forgeries of the packaged photographs, and draw typical ones."""
    data, out = work_dir / 'shipped' / 'data', work_dir / 'shipped' / 'test'
    print(f'Forging {sum(SHIPPED_COUNTS.values())} images out of {", ".join(PACKAGED)}', flush=True)
    shutil.rmtree(data, ignore_errors=True)
    photographs = {name: load_packaged(name) for name in PACKAGED}
    synthesize(Sources(photographs), replace(read_recipe('world'), size=SHIPPED_SIZE), SHIPPED_COUNTS, data, seed)
    print('\nTesting the network that ships', flush=True)
    dataset = 'test_dataloader.dataset'
    prefix = [
        f'{dataset}.data_root={data}',
        f'{dataset}.data_prefix.img_path=images',
        f'{dataset}.data_prefix.seg_map_path=masks',
    ]
    run_tool('test.py', SHIPPED, '--work-dir', out / 'log', '--out', out, '--cfg-options', *prefix)
    rows = read_rows(out / 'images.csv')
    grid = work_dir / 'shipped.png'
    draw_grid(FOCALInferencer(SHIPPED, device='cpu'), data, typical(rows), grid)
    print(f'\n{table({"FOCAL, as it ships": rows})[0]}\nimage grid: {grid}', flush=True)


def typical(rows: list[dict]) -> list[str]:
    """Names of the forgeries at ``RANKS`` in the order of their IoU."""
    forged = sorted((row for row in rows if not row['is_pristine']), key=lambda row: row['iou'])
    return [forged[round(rank * (len(forged) - 1))]['image'] for rank in RANKS]


def require_own(work_dir: Path) -> None:
    """Stop before something is written over that is not the demo's."""
    data = work_dir / 'data'
    if data.exists() and not any((data / part / 'manifest.csv').is_file() for part in ('train', 'test')):
        sys.exit(f'{data} was not made by this demo, which would write over it: give another --work-dir')


def forge(work_dir: Path, seed: int) -> Path:
    """Forge training and test images out of photographs that the two do not share."""
    data = work_dir / 'data'
    shutil.rmtree(data, ignore_errors=True)
    for part, names, counts, part_seed in (
        ('train', TRAIN_PHOTOGRAPHS, TRAIN_COUNTS, 2 * seed),
        ('test', TEST_PHOTOGRAPHS, TEST_COUNTS, 2 * seed + 1),
    ):
        print(f'Forging {sum(counts.values())} {part} images out of {", ".join(names)}', flush=True)
        photographs = {name: load_packaged(name) for name in names}
        synthesize(Sources(photographs), read_recipe('demo'), counts, data / part, part_seed)
        print(flush=True)
    return data


def run_tool(name: str, *arguments: str | Path) -> None:
    """Run one of our tools as a user would, its output shown."""
    subprocess.run([sys.executable, TOOLS / name, *map(str, arguments)], check=True)


def save_untrained(path: Path, seed: int) -> None:
    """Write the weights that the training starts from."""
    init_default_scope('mmseg')
    set_random_seed(seed)
    model = MODELS.build(read_config(CONFIG).model)
    calm(MMLogger.get_current_instance())
    model.init_weights()
    with atomic_write(path) as part:
        torch.save(dict(state_dict=model.state_dict(), meta={}), part)


def all_pristine(data: Path, rows: list[dict]) -> list[dict]:
    """The same metrics for a mask that calls nothing forged."""
    blank = []
    for row in rows:
        truth = cv2.imread(str(data / 'test' / 'masks' / f'{row["image"]}.png'), cv2.IMREAD_GRAYSCALE) > 127
        blank.append({**row, **localisation_metrics(np.zeros_like(truth), np.zeros(truth.shape), truth)})
    return blank


def table(results: dict[str, list[dict]]) -> tuple[PrettyTable, dict[str, dict[str, float]]]:
    """The metrics of each kind of forgery and of all forgeries, and the false alarms on pristine images."""
    drawn = PrettyTable(('images', 'result', *METRICS.values()))
    overall = {}
    kinds: dict[str, Callable[[dict], bool]] = {
        'splice': lambda row: row['kind'] == 'splice',
        'copy-move': lambda row: row['kind'] == 'copy-move',
        'all forged': lambda row: not row['is_pristine'],
        'pristine': lambda row: row['is_pristine'],
    }
    for kind, belongs in kinds.items():
        for number, (name, rows) in enumerate(results.items()):
            means = average_metrics([row for row in rows if belongs(row)], pristine='exclude')
            drawn.add_row(
                (kind, name, *(number_text(means[key]) for key in METRICS)),
                divider=number == len(results) - 1,
            )
            if kind == 'all forged':
                overall[name] = means
    return drawn, overall


def draw_grid(focal: FOCALInferencer, data: Path, names: Sequence[str], path: Path) -> None:
    """Input, truth, score and mask of forgeries in ``data``, by their names."""
    rows = []
    for name in names:
        found = next((data / 'images').glob(f'{name}.*'))
        image = cv2.imread(str(found))
        truth = cv2.imread(str(data / 'masks' / f'{name}.png'), cv2.IMREAD_GRAYSCALE)
        prediction = focal(found)
        rows.append((image[..., ::-1], truth, prediction.score, prediction.mask))
    plot_grid(path, rows, ('input', 'truth', 'score', 'mask'), names)


def main() -> None:
    """Run the demo."""
    args = parse_args()
    require_own(args.work_dir)
    show_shipped(args.work_dir, args.seed)
    if args.only_shipped:
        return
    data = forge(args.work_dir, args.seed)
    options = ['--cfg-options', f'randomness.seed={args.seed}']
    for loader, part in (('train', 'train'), ('test', 'test')):
        options.append(f'{loader}_dataloader.dataset.data_root={data / part}')

    untrained, trained = args.work_dir / 'untrained.pth', args.work_dir / 'trained.pth'
    save_untrained(untrained, args.seed)
    run_tool('train.py', CONFIG, '--work-dir', args.work_dir / 'train', *options)
    shutil.copyfile((args.work_dir / 'train' / 'last_checkpoint').read_text(encoding='utf-8').strip(), trained)
    for checkpoint in (untrained, trained):
        out = args.work_dir / checkpoint.stem
        run_tool('test.py', CONFIG, checkpoint, '--work-dir', out / 'log', '--out', out, *options)

    rows = read_rows(args.work_dir / 'trained' / 'images.csv')
    results = {
        'FOCAL': rows,
        'untrained': read_rows(args.work_dir / 'untrained' / 'images.csv'),
        'all-pristine mask': all_pristine(data, rows),
    }
    drawn, overall = table(results)
    names = [f'{kind}/{index:05d}' for kind in TEST_COUNTS for index in range(ROWS_OF_A_KIND)]
    draw_grid(FOCALInferencer(CONFIG, trained, 'cpu'), data / 'test', names, args.work_dir / 'grid.png')
    print(f'\n{drawn}\nimage grid: {args.work_dir / "grid.png"}')
    brief = {name: f'F1 {means["macro_f1"]:.3f} IoU {means["iou"]:.3f}' for name, means in overall.items()}
    print(f'demo: {brief["FOCAL"]} (untrained {brief["untrained"]})')


if __name__ == '__main__':
    main()
