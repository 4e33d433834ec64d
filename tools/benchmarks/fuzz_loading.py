"""Damaged files through the loaders: does any crash the process, hang, or fill the memory? docs/reliability.md has it.

Pictures and masks of every kind of file are truncated, flipped, spliced, declared huge, named wrongly or replaced. Each
pair must load as an array, or be refused with an error that names a file.

Example:
  python tools/benchmarks/fuzz_loading.py --num 20000
  python tools/benchmarks/fuzz_loading.py --num 1000 --seed 7
"""

import argparse
import json
import resource
import struct
import sys
import tempfile
import time
import zlib
from collections import Counter
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from mmengine.registry import init_default_scope
from mmengine.utils import track_iter_progress
from mmseg.registry import DATASETS
from prettytable import PrettyTable

import focal_mmseg  # noqa: F401
from focal_mmseg.utils import count, positive_int, worker_pool, written_whole

SIDE = 48
SLOW = 5.0
MIB = 1024
PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadForgeryMask'),
    dict(type='Resize', scale=(SIDE, SIDE), keep_ratio=False),
    dict(type='PackSegInputs'),
]


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--num', type=positive_int, default=2000, help='pairs; default %(default)s')
    parser.add_argument('--seed', type=count, default=0, help='default %(default)s')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/fuzz_loading.json'), help='default %(default)s')
    return parser.parse_args()


def whole_files(rng: np.random.Generator) -> dict[str, tuple[bytes, bytes]]:
    """A picture and its mask as each kind of file, by its ending."""
    image = rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    image = cv2.GaussianBlur(image, (0, 0), 2.0)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[10:30, 5:40] = 255
    files = {}
    for ending in ('jpg', 'png', 'bmp', 'tif', 'webp'):
        files[ending] = tuple(cv2.imencode(f'.{ending}', each)[1].tobytes() for each in (image, mask))
    deep = image.astype(np.uint16) * 257
    files['16.png'] = (cv2.imencode('.png', deep)[1].tobytes(), files['png'][1])
    files['16.tif'] = (cv2.imencode('.tif', deep)[1].tobytes(), files['tif'][1])
    return files


def truncated(content: bytes, rng: np.random.Generator) -> bytes:
    """The beginning."""
    return content[: rng.integers(len(content))]


def flipped(content: bytes, rng: np.random.Generator) -> bytes:
    """Some bits the other way."""
    changed = bytearray(content)
    for place in rng.integers(len(content), size=rng.integers(1, 30)):
        changed[place] ^= 1 << rng.integers(8)
    return bytes(changed)


def spliced(content: bytes, rng: np.random.Generator) -> bytes:
    """A part of it twice."""
    first, second = sorted(rng.integers(len(content), size=2))
    return content[:second] + content[first:]


def huge(content: bytes, rng: np.random.Generator) -> bytes:
    """A header that declares up to 65,535 (JPEG) or 2^31 - 1 (PNG) pixels a side."""
    if content.startswith(b'\x89PNG'):
        width, height = (int(2 ** rng.uniform(6, 31)) for _ in range(2))
        header = b'IHDR' + struct.pack('>II', width, height) + content[24:29]
        return content[:12] + header + struct.pack('>I', zlib.crc32(header)) + content[33:]
    frame = content.find(b'\xff\xc0')
    if content.startswith(b'\xff\xd8') and frame > 0:
        sides = struct.pack('>HH', *(int(2 ** rng.uniform(6, 16)) - 1 for _ in range(2)))
        return content[: frame + 5] + sides + content[frame + 9 :]
    return flipped(content, rng)


def replaced(content: bytes, rng: np.random.Generator) -> bytes:
    """Something else."""
    return [b'', b'\x00', b'<html></html>', b'PK\x03\x04', rng.bytes(500)][rng.integers(5)]


def untouched(content: bytes, rng: np.random.Generator) -> bytes:
    """The same."""
    return content


DAMAGES = (truncated, flipped, spliced, huge, replaced, untouched)


def write_pair(folder: Path, number: int, seed: int) -> dict[str, str]:
    """Write a picture and a mask, one of them damaged or both; how."""
    rng = np.random.default_rng([seed, number])
    files = whole_files(rng)
    ending = list(files)[rng.integers(len(files))]
    # Every fifth file has the name of another kind.
    named = ending if rng.random() < 0.8 else list(files)[rng.integers(len(files))]
    damages = [DAMAGES[rng.integers(len(DAMAGES))] for _ in range(2)]
    for part, content, damage in zip(('images', 'masks'), files[ending], damages, strict=True):
        suffix = named.rpartition('.')[2] if part == 'images' else 'png'
        path = folder / part / f'{number}.{suffix}'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(damage(content, rng))
    return dict(kind=ending, picture=damages[0].__name__, mask=damages[1].__name__)


def load(seed: int, number: int) -> dict:
    """Load a pair as a test does, in a worker."""
    with tempfile.TemporaryDirectory() as folder:
        made = write_pair(Path(folder), number, seed)
        prefix = dict(img_path='images', seg_map_path='masks')
        options = dict(pipeline=PIPELINE, test_mode=True, serialize_data=False)
        start = time.perf_counter()
        try:
            dataset = DATASETS.build(dict(type='ForgeryDataset', data_root=folder, data_prefix=prefix, **options))
            sample = dataset[0]
            assert sample['inputs'].shape == (3, SIDE, SIDE), sample['inputs'].shape
            outcome = 'loaded'
        except ValueError as error:
            outcome = 'refused' if f'{number}.' in str(error) else f'unnamed: {error}'
        except Exception as error:  # whatever it is, the campaign counts it
            outcome = f'{type(error).__name__}: {error}'
        seconds = time.perf_counter() - start
    return made | dict(number=number, outcome=outcome, seconds=seconds, peak=_peak())


def _peak() -> float:
    """The most memory that this process had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB


def main() -> None:
    """Load all, count, and fail if one did what it must not."""
    args = parse_args()
    init_default_scope('mmseg')
    rows: list[dict] = []
    with worker_pool(1) as pool:
        found = pool.map(partial(load, args.seed), range(args.num), chunksize=8)
        try:
            rows.extend(track_iter_progress((found, args.num)))
        except BrokenProcessPool:
            sys.exit(f'a pair from number {len(rows)} on ended the process; --seed {args.seed} makes it again')
    table = PrettyTable(('damage to the picture', 'loaded', 'refused', 'otherwise'))
    for damage in (each.__name__ for each in DAMAGES):
        counts = Counter(
            row['outcome'] if row['outcome'] in ('loaded', 'refused') else 'otherwise'
            for row in rows
            if row['picture'] == damage
        )
        table.add_row((damage, counts['loaded'], counts['refused'], counts['otherwise']))
    wrong = [row for row in rows if row['outcome'] not in ('loaded', 'refused') or row['seconds'] > SLOW]
    slowest, growth = max(row['seconds'] for row in rows), rows[-1]['peak'] - rows[0]['peak']
    print(f'\n{table}\nslowest {slowest:.2f} s, peak of memory {growth:.0f} MiB above the first pair')
    with written_whole(args.out) as part:
        part.write_text(json.dumps(rows) + '\n', encoding='utf-8')
    print(f'written to {args.out}')
    if wrong:
        sys.exit('\n'.join(['neither loaded nor refused, or slow:', *map(str, wrong)]))


if __name__ == '__main__':
    main()
