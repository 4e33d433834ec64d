"""Where the time of loading goes: milliseconds an image for each transform, images a second for numbers of workers.

The images are packaged photographs as JPEG, with PNG masks, in a temporary folder. What an accelerator needs is to be
set beside it: tools/analysis_tools/complexity.py.

Example:
  python tools/benchmarks/dataloading.py configs/focal_hrnet.py
  python tools/benchmarks/dataloading.py configs/focal_hrnet_augmented.py --size 1024 1536 --workers 0 4 8
"""

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmseg.registry import DATASETS, TRANSFORMS

import focal_mmseg  # noqa: F401
from focal_mmseg.datasets.synthesis import PACKAGED, load_packaged
from focal_mmseg.utils import count, positive_int, read_config, write_json
from focal_mmseg.utils.tables import text_table

QUALITY = 90


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file; its training pipeline is measured')
    parser.add_argument('--size', type=positive_int, nargs=2, default=[1024, 1024], help='default %(default)s')
    parser.add_argument(
        '--num', type=positive_int, default=60, help='images of each measurement, at least; default %(default)s'
    )
    parser.add_argument('--workers', type=count, nargs='+', default=[0, 1, 2], help='default %(default)s')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/dataloading.json'), help='default %(default)s')
    return parser.parse_args()


def write_images(folder: Path, size: tuple[int, int]) -> None:
    """Photographs with a rectangle as their mask."""
    for part in ('images', 'masks'):
        (folder / part).mkdir()
    for name in PACKAGED:
        image = cv2.resize(load_packaged(name), tuple(size), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / 'images' / f'{name}.jpg'), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        mask = np.zeros(image.shape[:2], np.uint8)
        mask[size[1] // 4 : size[1] // 2, size[0] // 4 : size[0] // 2] = 255
        cv2.imwrite(str(folder / 'masks' / f'{name}.png'), mask)


def time_transforms(dataset: dict, num: int) -> dict[str, float]:
    """Milliseconds an image of each transform, in their order."""
    found = DATASETS.build(dict(dataset, pipeline=[]))
    transforms = [TRANSFORMS.build(each) for each in dataset['pipeline']]
    spent = dict.fromkeys((type(each).__name__ for each in transforms), 0.0)
    for number in range(num + 1):
        results = found.get_data_info(number % len(found))
        for each in transforms:
            start = time.perf_counter()
            results = each(results)
            # The first image pays for what is loaded then.
            spent[type(each).__name__] += (time.perf_counter() - start) if number else 0.0
    return {name: 1e3 * seconds / num for name, seconds in spent.items()}


def measure_throughput(dataloader: dict, workers: int, num: int) -> float:
    """Images a second of the config's loader."""
    options = dict(num_workers=workers, persistent_workers=workers > 0)
    batches = iter(Runner.build_dataloader(dict(dataloader, **options), seed=0))
    # Each worker has two batches ready while nobody waits, and enough must follow that these do not count.
    for _ in range(2 * workers + 1):
        next(batches)
    start, steps = time.perf_counter(), max(1, 10 * workers, num // dataloader['batch_size'])
    for _ in range(steps):
        next(batches)
    return steps * dataloader['batch_size'] / (time.perf_counter() - start)


def main() -> None:
    """Measure, print and write."""
    args = parse_args()
    cv2.setNumThreads(1)
    cfg = read_config(args.config)
    init_default_scope('mmseg')
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder), args.size)
        dataloader = cfg.train_dataloader.to_dict()
        dataloader['dataset'].update(data_root=folder, data_prefix=dict(img_path='images', seg_map_path='masks'))
        transforms = time_transforms(dataloader['dataset'], args.num)
        workers = {number: measure_throughput(dataloader, number, args.num) for number in args.workers}
    rows = [*transforms.items(), ('all: images/s a core', 1e3 / sum(transforms.values()))]
    print(text_table(('transform', 'ms an image'), rows, '.1f'))
    print(text_table(('workers', 'images/s'), workers.items(), '.1f'))
    write_json(args.out, dict(milliseconds=transforms, rates=workers))
    print(f'written to {args.out}')


if __name__ == '__main__':
    main()
