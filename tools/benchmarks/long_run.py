"""Does the memory of tools/predict.py stay flat over many pictures? docs/reliability.md has it.

Parts of packaged photographs, of many sizes, go through predict.py in one process, whose resident memory is read
meanwhile (Linux). It ends with what is in use after a tenth of the pictures and at the end, and draws the curve.

Example:
  python tools/benchmarks/long_run.py configs/demo/focal_hrnet-compact.py work_dirs/demo/trained.pth
  python tools/benchmarks/long_run.py configs/focal_hrnet.py hrnet.pth --num 2000 --sides 300 1200
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from measuring import resident_mib

from focal_mmseg.datasets.synthesis import PACKAGED, load_packaged
from focal_mmseg.utils import positive_int, written_whole
from focal_mmseg.visualization.figures import new_figure

PREDICT = Path(__file__).parents[1] / 'predict.py'
TO_WARM_UP = 0.1


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file of the model')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument('--num', type=positive_int, default=10000, help='pictures; default %(default)s')
    parser.add_argument(
        '--sides', type=positive_int, nargs=2, default=[64, 192], help='least and most pixels; default %(default)s'
    )
    parser.add_argument('--every', type=positive_int, default=5, help='seconds between readings; default %(default)s')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/long_run.json'), help='default %(default)s')
    return parser.parse_args()


def write_pictures(folder: Path, num: int, sides: tuple[int, int]) -> None:
    """Random parts of the photographs as JPEG, no two of one size in a row."""
    rng = np.random.default_rng(0)
    photographs = [load_packaged(name)[..., ::-1] for name in PACKAGED]
    for number in range(num):
        photograph = photographs[number % len(photographs)]
        high, wide = (rng.integers(min(sides[0], most), min(sides[1], most) + 1) for most in photograph.shape[:2])
        top, left = rng.integers(photograph.shape[0] - high + 1), rng.integers(photograph.shape[1] - wide + 1)
        cv2.imwrite(str(folder / f'{number:06d}.jpg'), photograph[top : top + high, left : left + wide])


def watch(process: subprocess.Popen, out: Path, every: int) -> list[tuple[int, float]]:
    """Pictures begun and MiB in use, again and again until the process ends."""
    found = []
    while process.poll() is None:
        time.sleep(every)
        begun = sum(each.is_dir() for each in os.scandir(out)) if out.is_dir() else 0
        memory = resident_mib(process.pid)
        if begun and memory is not None:
            found.append((begun, memory))
            print(f'{begun} pictures, {memory:.0f} MiB', flush=True)
    return found


def summarise(readings: list[tuple[int, float]], num: int) -> dict[str, float]:
    """Memory after the first tenth and at the end, the peak, and by how much a thousand pictures raise it."""
    begun, memory = (np.array(each, float) for each in zip(*readings, strict=True))
    warm = begun >= TO_WARM_UP * num
    slope = np.polyfit(begun[warm], memory[warm], 1)[0] if warm.sum() > 1 else float('nan')
    return dict(
        pictures=num,
        after_a_tenth_mib=float(memory[warm][0]),
        at_the_end_mib=float(memory[-1]),
        peak_mib=float(memory.max()),
        mib_per_thousand=float(1000 * slope),
    )


def draw(path: Path, readings: list[tuple[int, float]]) -> None:
    """The curve."""
    figure = new_figure(7, 3)
    axis = figure.subplots()
    axis.plot(*zip(*readings, strict=True), linewidth=1)
    axis.set(xlabel='pictures', ylabel='MiB in use', ylim=(0, None))
    with written_whole(path) as part:
        figure.savefig(part, dpi=110)


def main() -> None:
    """Run it and write what was found.

    Raises:
        RuntimeError: If predict.py failed, or was done before it could be measured.
    """
    args = parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pictures, out = Path(folder) / 'pictures', Path(folder) / 'out'
        pictures.mkdir()
        write_pictures(pictures, args.num, args.sides)
        command = [sys.executable, PREDICT, pictures, '--config', args.config, '--checkpoint', args.checkpoint]
        start = time.monotonic()
        process = subprocess.Popen([*map(str, command), '--out', str(out)], stdout=subprocess.DEVNULL)
        readings = watch(process, out, args.every)
        seconds = time.monotonic() - start
    if process.returncode or not readings:
        raise RuntimeError(f'predict.py ended with {process.returncode} after {len(readings)} readings')
    found = dict(summarise(readings, args.num), seconds=seconds, readings=readings)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(args.out) as part:
        part.write_text(json.dumps(found, indent=2) + '\n', encoding='utf-8')
    draw(args.out.with_suffix('.png'), readings)
    for key in ('after_a_tenth_mib', 'at_the_end_mib', 'peak_mib', 'mib_per_thousand', 'seconds'):
        print(f'{key}: {found[key]:.1f}')


if __name__ == '__main__':
    main()
