"""What each config's network costs: parameters, FLOPs, memory and images a second.

docs/notes/complexity.md has the table.

It is the network up to the embeddings (FOCAL) or the logits (a classifier), on one square image in inference and
float32. The clustering is not in it: see tools/benchmarks/clustering.py. A fusion is its members one after the other,
each on an image of that size. Weights are random, none are loaded or downloaded.

FLOPs are those of convolutions, matrix products and attentions, and a multiply-add counts as TWO. They are torch's
count, which sees every operation as it is done. mmengine's counts a multiply-add as one, adds norms and resizings (0.9%
of an HRNet-W32), and takes torch's fused attention for nothing. Memory is what a forward adds to the weights at its
peak. Each row is measured in a process of its own.

Example:
  python tools/analysis_tools/complexity.py configs/focal_hrnet.py configs/baselines/fcn_hrnet-w32.py
  python tools/analysis_tools/complexity.py configs/focal_vit.py --sizes 1024 --device cuda --repeats 20
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from focal_mmseg.apis.complexity import measure
from focal_mmseg.utils import device_name, positive_int, write_json
from focal_mmseg.utils.tables import number_text, text_table

HEADINGS = ('config', 'size', 'output', 'M parameters', 'trainable', 'GFLOPs', 'weights MiB', 'adds MiB', 'images/s')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', nargs='+', metavar='CONFIG', help='config files, as configs/focal_hrnet.py')
    parser.add_argument(
        '--sizes', nargs='+', type=positive_int, default=[512, 1024], help='of the image; default %(default)s'
    )
    parser.add_argument('--device', type=device_name, default='cpu', help='cpu, cuda, cuda:1, ...; default %(default)s')
    parser.add_argument('--repeats', type=positive_int, default=3, help='the median is taken; default %(default)s')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/complexity.json'), help='default %(default)s')
    return parser.parse_args()


def measure_apart(*arguments: Any) -> dict[str, Any]:
    """:func:`measure` in a process of its own, so that no other config's memory is counted."""
    with ProcessPoolExecutor(1, mp_context=get_context('spawn')) as pool:
        return pool.submit(measure, *arguments).result()


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    """A row as it is printed."""
    return (
        row['config'],
        str(row['size']),
        ' + '.join('x'.join(map(str, shape)) for shape in row['output']),
        f'{row["parameters"] / 1e6:.1f}',
        f'{row["trainable"] / 1e6:.1f}',
        f'{row["flops"] / 1e9:.1f}',
        f'{row["weights_mib"]:.0f}',
        number_text(row['memory_mib'], '.0f'),
        f'{row["images_per_second"]:.3g}',
    )


def main() -> None:
    """Measure, print and write."""
    args = parse_args()
    rows, failures = [], []
    for config in args.configs:
        for size in args.sizes:
            try:
                rows.append(measure_apart(config, size, args.device, args.repeats))
            # Another's config can fail in any way, and the next one is to be measured all the same.
            except Exception as error:
                failures.append(f'{config} at {size}: {type(error).__name__}: {error}')
                print(f'failed: {failures[-1]}', flush=True)
            else:
                *_, operations, _, memory, speed = cells(rows[-1])
                print(f'{config} at {size}: {operations} GFLOPs, {memory} MiB, {speed} images a second', flush=True)
    print(text_table(HEADINGS, map(cells, rows)))
    write_json(args.out, rows)
    print(f'written to {args.out}')
    if failures:
        sys.exit('\n'.join(['not in the table:', *failures]))


if __name__ == '__main__':
    main()
