"""Does the memory of tools/predict.py stay flat over many images? docs/notes/stress.md has it.

Parts of packaged photographs, of many sizes, go through predict.py in one process, whose resident memory is read
meanwhile (Linux); one file in fifty is damaged. It ends with what is in use after a tenth of the images and at the
end, draws the curve, and fails where an image has no result, or a thousand images raise the memory by too much.

Example:
  python tools/benchmarks/long_run.py configs/demo/focal_hrnet-compact.py work_dirs/demo/trained.pth
  python tools/benchmarks/long_run.py configs/focal_hrnet.py hrnet.pth --num 2000 --sides 300 1200
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from focal_mmseg.datasets.synthesis import PACKAGED, load_packaged
from focal_mmseg.utils import atomic_write, positive_int, write_json
from focal_mmseg.utils.benchmarking import resident_mib
from focal_mmseg.visualization.figures import new_figure

PREDICT = Path(__file__).parents[1] / 'predict.py'
TO_WARM_UP = 0.1
DAMAGED = 50


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file of the model')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument('--num', type=positive_int, default=10000, help='images; default %(default)s')
    parser.add_argument(
        '--sides', type=positive_int, nargs=2, default=[64, 192], help='least and most pixels; default %(default)s'
    )
    parser.add_argument('--every', type=float, default=5, help='seconds between readings; default %(default)s')
    parser.add_argument(
        '--most-slope', type=float, default=5, help='MiB that a thousand images may take; default %(default)s'
    )
    parser.add_argument('--out', type=Path, default=Path('work_dirs/long_run.json'), help='default %(default)s')
    return parser.parse_args()


def write_images(folder: Path, num: int, sides: tuple[int, int]) -> None:
    """Random parts of the photographs as JPEG, no two of one size in a row; one in fifty without its end."""
    rng = np.random.default_rng(0)
    photographs = [load_packaged(name)[..., ::-1] for name in PACKAGED]
    for number in range(num):
        photograph = photographs[number % len(photographs)]
        high, wide = (rng.integers(min(sides[0], most), min(sides[1], most) + 1) for most in photograph.shape[:2])
        top, left = rng.integers(photograph.shape[0] - high + 1), rng.integers(photograph.shape[1] - wide + 1)
        content = cv2.imencode('.jpg', photograph[top : top + high, left : left + wide])[1].tobytes()
        if number % DAMAGED == 0:
            content = content[: rng.integers(len(content) // 2)]
        (folder / f'{number:06d}.jpg').write_bytes(content)


def watch(process: subprocess.Popen, out: Path, every: float) -> list[tuple[int, float]]:
    """Images begun and MiB in use, again and again until the process ends."""
    found = []
    while process.poll() is None:
        time.sleep(every)
        begun = sum(each.is_dir() for each in os.scandir(out)) if out.is_dir() else 0
        memory = resident_mib(process.pid)
        if begun and memory is not None:
            found.append((begun, memory))
            print(f'{begun} images, {memory:.0f} MiB', flush=True)
    return found


def summarise(readings: list[tuple[int, float]], num: int) -> dict[str, float]:
    """Memory after the first tenth and at the end, the peak, and by how much a thousand images raise it.

    Raises:
        RuntimeError: If fewer than two readings were taken after the first tenth.
    """
    begun, memory = np.array(readings, float).reshape(-1, 2).T
    warm = begun >= TO_WARM_UP * num
    if len(set(begun[warm])) < 2:
        raise RuntimeError(
            f'{warm.sum()} of {len(readings)} readings are from after the first tenth: take more images, or a '
            'smaller --every'
        )
    slope = np.polyfit(begun[warm], memory[warm], 1)[0]
    return dict(
        images=num,
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
    axis.set(xlabel='images', ylabel='MiB in use', ylim=(0, 1.2 * max(memory for _, memory in readings)))
    with atomic_write(path) as part:
        figure.savefig(part, dpi=110)


def measure(args: argparse.Namespace) -> tuple[list[tuple[int, float]], float]:
    """Run predict.py; the readings, and the seconds that it took.

    Raises:
        RuntimeError: If it failed, or not every image that is whole has a result.
    """
    with tempfile.TemporaryDirectory() as folder:
        images, out = Path(folder) / 'images', Path(folder) / 'out'
        images.mkdir()
        write_images(images, args.num, args.sides)
        command = [sys.executable, PREDICT, images, '--config', args.config, '--checkpoint', args.checkpoint]
        start = time.monotonic()
        process = subprocess.Popen([*map(str, command), '--out', str(out)], stdout=subprocess.DEVNULL)
        readings = watch(process, out, args.every)
        seconds = time.monotonic() - start
        written = len(list(out.glob('*/summary.json')))
    # 1 is for the damaged ones.
    whole = args.num - len(range(0, args.num, DAMAGED))
    if process.returncode != 1 or written != whole:
        raise RuntimeError(f'predict.py ended with {process.returncode}: {written} of {whole} images have a result')
    return readings, seconds


def main() -> None:
    """Run it, write what was found, and fail if the memory grows."""
    args = parse_args()
    readings, seconds = measure(args)
    found = dict(summarise(readings, args.num), seconds=seconds, readings=readings)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(args.out, found)
    draw(args.out.with_suffix('.png'), readings)
    for key in ('after_a_tenth_mib', 'at_the_end_mib', 'peak_mib', 'mib_per_thousand', 'seconds'):
        print(f'{key}: {found[key]:.1f}')
    if found['mib_per_thousand'] > args.most_slope:
        sys.exit(f'the memory grows by more than {args.most_slope:g} MiB a thousand images')


if __name__ == '__main__':
    main()
