"""Damaged files through the loaders: does any crash the process, hang, or fill the memory? docs/notes/stress.md has it.

Images and masks of every kind of file are truncated, flipped, spliced, declared huge, named wrongly, given odd names,
reached through links, or replaced, and list files are garbled. Each set must load, or be refused with an error, or a
warning, that names a file. It fails where one does not, ends the process, takes longer than 20 s (after a minute it is
ended), or where the memory grows by more than 2 GiB; the process is given no more than 3 GiB.

Example:
  python tests/fuzz/fuzz_loading.py --num 20000
  python tests/fuzz/fuzz_loading.py --num 1000 --seed 7
"""

import argparse
import os
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from damaging import DAMAGES, SIDE, list_file, odd_stem, untouched, whole_files
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

import focal_mmseg  # noqa: F401
from focal_mmseg.utils import count, positive_int, worker_pool, write_json
from focal_mmseg.utils.progress import track
from focal_mmseg.utils.tables import text_table

SLOW = 20.0
TOO_LONG = 60
MIB = 1024
MOST_GROWTH = 2048
MOST_MEMORY = 3 * 2**30
NO_MEMORY = ('nsufficient memory', 'Failed to allocate', 'Unable to allocate', 'MemoryError')
PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadForgeryMask'),
    dict(type='Resize', scale=(SIDE, SIDE), keep_ratio=False),
    dict(type='PackSegInputs'),
]
LIST_FILE, BROKEN_LINK = 'a garbled list file', 'a broken link'
ROWS = (*(damage.__name__ for damage in DAMAGES), LIST_FILE, BROKEN_LINK)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--num', type=positive_int, default=2000, help='sets; default %(default)s')
    parser.add_argument('--seed', type=count, default=0, help='default %(default)s')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/fuzz_loading.json'), help='default %(default)s')
    return parser.parse_args()


def write_set(folder: Path, number: int, seed: int) -> dict[str, str]:
    """Write an image, a mask and what else makes a set; what was done to them, and the names that errors may say."""
    rng = np.random.default_rng([seed, number])
    files = whole_files(rng)
    kind = list(files)[rng.integers(len(files))]
    # Every fifth file has the name of another kind.
    named = kind if rng.random() < 0.8 else list(files)[rng.integers(len(files))]
    suffix = named.rpartition('.')[2]
    stem = odd_stem(rng, f'.{suffix}') if rng.random() < 0.2 else f'n{number}'
    what = rng.random()
    damages = [untouched if what < 0.1 else DAMAGES[rng.integers(len(DAMAGES))] for _ in range(2)]
    names = [f'{stem}.{suffix}', f'{stem}.png']
    for part, name, content, damage in zip(('images', 'masks'), names, files[kind], damages, strict=True):
        (folder / part).mkdir()
        _place(folder / part / name, damage(content, rng), linked=rng.random() < 0.1)
    row = dict(kind=kind, image=damages[0].__name__, mask=damages[1].__name__, names=names)
    if what < 0.05:
        line = '\t'.join(names).encode('utf-8', 'surrogateescape')
        (folder / 'list.txt').write_bytes(list_file(line, rng))
        return row | dict(image=LIST_FILE, names=[*names, 'list.txt'])
    if what < 0.1:
        broken = folder / ('images', 'masks')[rng.integers(2)]
        broken = next(broken.iterdir())
        broken.unlink()
        broken.symlink_to([broken, folder / 'nowhere', '/'][rng.integers(3)])
        return row | dict(image=BROKEN_LINK)
    return row


def _place(path: Path, content: bytes, linked: bool) -> None:
    """Write a file, or a link to one."""
    if linked:
        target = path.parent.parent / f'{path.parent.name} elsewhere'
        path.symlink_to(target)
        path = target
    path.write_bytes(content)


def begin() -> None:
    """Bound a worker's memory, so that what wants too much fails and the machine does not."""
    pages = int(Path('/proc/self/statm').read_text().split()[0])
    most = pages * resource.getpagesize() + MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def load(seed: int, number: int) -> dict:
    """Load a set as a test does, in a worker, which the system ends if that takes too long."""
    with tempfile.TemporaryDirectory() as folder, stderr_to_file() as screen:
        made = write_set(Path(folder), number, seed)
        signal.alarm(TOO_LONG)
        start = time.perf_counter()
        outcome = _outcome(Path(folder), made['names'])
        seconds = time.perf_counter() - start
        signal.alarm(0)
        screen.seek(0)
        said = outcome + screen.read().decode('utf-8', 'replace')
    if any(words in said for words in NO_MEMORY):
        outcome = f'out of memory: {said}'
    return made | dict(number=number, outcome=outcome, seconds=seconds, peak=_peak())


@contextmanager
def stderr_to_file() -> Iterator[BinaryIO]:
    """Have what libraries write to the screen in a file: of a lack of memory OpenCV's decoders say nothing else."""
    with tempfile.TemporaryFile() as file:
        screen = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield file
        finally:
            os.dup2(screen, 2)
            os.close(screen)


def _outcome(folder: Path, names: list[str]) -> str:
    """``'loaded'``, ``'refused'``, or what is wrong."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        return _attempt(folder, names, caught)


def _attempt(folder: Path, names: list[str], caught: list[warnings.WarningMessage]) -> str:
    """The same; the warnings are in ``caught``."""
    prefix = dict(img_path='images', seg_map_path='masks')
    options = dict(pipeline=PIPELINE, test_mode=True, serialize_data=False)
    if (folder / 'list.txt').exists():
        options['ann_file'] = 'list.txt'
    try:
        dataset = DATASETS.build(dict(type='ForgeryDataset', data_root=str(folder), data_prefix=prefix, **options))
        shapes = {sample['inputs'].shape for sample in (dataset[place] for place in range(len(dataset)))}
    except (ValueError, FileNotFoundError) as error:
        said = ' '.join([str(error), *(str(each.message) for each in caught)])
        return 'refused' if any(name in said for name in names) else f'unnamed: {said}'
    except Exception as error:  # whatever it is, the campaign counts it
        return f'{type(error).__name__}: {error}'
    return 'loaded' if shapes == {(3, SIDE, SIDE)} else f'shapes {shapes}'


def _peak() -> float:
    """The most memory that this process had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB


def run(num: int, seed: int) -> list[dict]:
    """Load all in a worker.

    Raises:
        SystemExit: If a set ended it.
    """
    rows: list[dict] = []
    with worker_pool(1, begin) as pool:
        found = pool.map(partial(load, seed), range(num), chunksize=8)
        try:
            rows.extend(track(found, 'sets', num))
        except BrokenProcessPool:
            sys.exit(
                f'a set from number {len(rows)} on ended the process, or took more than {TOO_LONG} s; --seed {seed} '
                'makes it again'
            )
    return rows


def main() -> None:
    """Load all, count, and fail if one did what it must not."""
    args = parse_args()
    init_default_scope('mmseg')
    rows = run(args.num, args.seed)
    counted = []
    for damage in ROWS:
        counts = Counter(
            row['outcome'] if row['outcome'] in ('loaded', 'refused') else 'otherwise'
            for row in rows
            if row['image'] == damage
        )
        counted.append((damage, counts['loaded'], counts['refused'], counts['otherwise']))
    print(text_table(('damage to the image', 'loaded', 'refused', 'otherwise'), counted))
    wrong = [row for row in rows if row['outcome'] not in ('loaded', 'refused') or row['seconds'] > SLOW]
    slowest, growth = max(row['seconds'] for row in rows), rows[-1]['peak'] - rows[0]['peak']
    print(f'slowest {slowest:.2f} s, peak of memory {growth:.0f} MiB above the first set')
    write_json(args.out, rows, indent=None)
    print(f'written to {args.out}')
    if wrong:
        sys.exit('\n'.join(['neither loaded nor refused, or slow:', *map(ascii, wrong)]))
    if growth > MOST_GROWTH:
        sys.exit(f'the memory grew by more than {MOST_GROWTH} MiB')


if __name__ == '__main__':
    main()
