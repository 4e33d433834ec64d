"""What trainings and tests share: the arguments that mmseg users know."""

import argparse
import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict, DictAction
from mmengine.dist import is_main_process
from torch import distributed as dist

from focal_mmseg.datasets.converters import SETS
from focal_mmseg.datasets.wrapped import iter_dataset_configs
from focal_mmseg.engine.checkpoint import load_weights_only
from focal_mmseg.utils import ConfigError, override, read_config
from focal_mmseg.weights import find_config

# Options of torch's DataLoader that it refuses without workers.
OF_WORKERS = ('persistent_workers', 'prefetch_factor', 'multiprocessing_context', 'timeout')
# Where converted sets are, and the form that tools/prepare_data.py gives them.
SETS_FOLDER = Path('data')
CONVERTED = dict(ann_file='index.tsv', data_prefix=dict(img_path='images', seg_map_path='masks'))


class Overrides(DictAction):
    """mmengine's action for ``KEY=VALUE``, which tells of a bad one in a line."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option_string: Any = None) -> None:
        """See ``argparse.Action``."""
        for each in values or ():
            if '=' not in each:
                parser.error(f'argument {option_string}: expected KEY=VALUE, got {each!r}')
        super().__call__(parser, namespace, values, option_string)


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``config`` and what both tools share: ``--work-dir``, ``--cfg-options``, ``--data``, ``--launcher``, ..."""
    parser.add_argument('config', help='config file, as configs/focal_hrnet.py')
    parser.add_argument('--work-dir', help='folder of logs and checkpoints; default work_dirs/<name of the config>')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=Overrides,
        default={},
        metavar='KEY=VALUE',
        help='override the config, as train_dataloader.batch_size=2 or model.backbone.init_cfg=None',
    )
    parser.add_argument(
        '--data',
        nargs='+',
        default=[],
        metavar='SET',
        help='use these sets in place of those of the config, whose pipelines stay: names of converted sets, as casia1 '
        'in data/casia1, or configs, as configs/_base_/datasets/forgery_test.py',
    )
    parser.add_argument(
        '--skip-damaged', action='store_true', help='leave out images that cannot be read, with a warning'
    )
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none', help='job launcher')
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help=argparse.SUPPRESS)


def parse_options(options: Sequence[str]) -> dict[str, Any]:
    """What ``--cfg-options`` makes of ``KEY=VALUE`` texts.

    Args:
        options (Sequence[str]): As ``'model.decode_head.clusterer.type=KMeansClusterer'``.

    Returns:
        dict[str, Any]: For ``Config.merge_from_dict``.

    Raises:
        ValueError: If one has no ``=``.
    """
    without = [each for each in options if '=' not in each]
    if without:
        raise ValueError(f'expected KEY=VALUE, got {without[0]!r}')
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='*', action=DictAction, default={})
    return parser.parse_args(['--cfg-options', *options]).cfg_options


def load_run_config(
    config: str | Path,
    parts: Sequence[str],
    *,
    work_dir: str | None = None,
    cfg_options: Mapping[str, Any] | None = None,
    data: str | Path | Sequence[str | Path] = (),
    skip_damaged: bool = False,
    launcher: str = 'none',
    local_rank: int = 0,
) -> Config:
    """Read a config and apply the arguments of :func:`add_run_arguments`.

    From here on this process loads checkpoints weights-only, so that none of them can run code. Without a GPU
    ``--launcher pytorch`` joins torchrun's processes through gloo.

    Args:
        config (str | Path): Config file.
        parts (Sequence[str]): Of ``'train'``, ``'val'`` and ``'test'``, those whose data sets ``data`` replaces.
        work_dir (str, optional): Defaults to that of the config, or else ``work_dirs/<name of the config>``.
        cfg_options (Mapping[str, Any], optional): Overrides of the config.
        data (str | Path | Sequence[str | Path]): See :func:`use_data`. Defaults to the sets of the config.
        skip_damaged (bool): Leave out images that cannot be read. Defaults to False.
        launcher (str): Of mmengine's. Defaults to ``'none'``.
        local_rank (int): Of this process, where the launcher does not tell. Defaults to 0.

    Raises:
        ConfigError: If an option would change nothing, see :func:`override`, or there is no such set.
        FileNotFoundError: If the config file is missing.
    """
    os.environ.setdefault('LOCAL_RANK', str(local_rank))
    load_weights_only()
    cfg = read_config(find_config(config))
    cfg.launcher = launcher
    if data:
        use_data(cfg, data, parts)
    override(cfg, cfg_options or {})
    for part in ('train', 'val', 'test'):
        load_in_process(cfg.get(f'{part}_dataloader'))
    if skip_damaged:
        for part in parts:
            skip_damaged_images(cfg.get(f'{part}_dataloader'))
    cfg.work_dir = work_dir or cfg.get('work_dir') or str(Path('work_dirs') / Path(config).stem)
    if launcher == 'pytorch' and not torch.cuda.is_available():
        _join_on_processors(cfg)
    return cfg


def print_log_file(runner: Any) -> None:
    """Say where everything is that the screen does not show.

    Args:
        runner (Runner): Of mmengine's.
    """
    if is_main_process():
        print(f'Log, with the config: {runner.logger.log_file}', flush=True)


def use_data(cfg: Config, data: str | Path | Sequence[str | Path], parts: Sequence[str]) -> None:
    """Take other data sets and leave all else, the pipelines too; several sets are put together.

    Where a config among them says ``val_dataloader = None``, and with named sets, nothing is validated.

    Args:
        cfg (Config): Is changed.
        data (str | Path | Sequence[str | Path]): Names of converted sets (``'casia1'`` is in ``data/casia1``), or
            configs with ``train_dataloader``, ``val_dataloader`` or ``test_dataloader``.
        parts (Sequence[str]): Of ``'train'``, ``'val'`` and ``'test'``.

    Raises:
        ConfigError: If there is no set of a name, or a config has no data set for any of the parts.
        FileNotFoundError: If there is no such config.
    """
    wanted = [part for part in parts if cfg.get(f'{part}_dataloader')]
    found: dict[str, list[ConfigDict]] = {part: [] for part in wanted}
    for name in [data] if isinstance(data, str | Path) else data:
        other = data_config(name)
        having = [part for part in wanted if other.get(f'{part}_dataloader')]
        if not having:
            raise ConfigError(f'{name} has no data sets for {" or ".join(parts)}')
        if 'val' in parts and 'val_dataloader' in other and other.val_dataloader is None:
            cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
            cfg.default_hooks.checkpoint.save_best = None
        for part in having:
            found[part].append(other[f'{part}_dataloader'].dataset)
    for part, sets in found.items():
        if sets and cfg[f'{part}_dataloader'] is not None:
            dataset = sets[0] if len(sets) == 1 else ConfigDict(type='ConcatDataset', datasets=sets)
            give_pipeline(dataset, cfg.train_pipeline if part == 'train' else cfg.test_pipeline)
            cfg[f'{part}_dataloader'].dataset = dataset


def data_config(name: str | Path) -> Config:
    """The config of data sets that a name or a path of ``--data`` means.

    Args:
        name (str | Path): A config file, or the name of a set that ``tools/prepare_data.py`` converts, or that lies in
            the same form in ``data/<name>``.

    Raises:
        ConfigError: If there is no set of that name; tells the known ones and the nearest.
        FileNotFoundError: If there is no such config.
    """
    if Path(name).suffix == '.py':
        return read_config(name)
    known = sorted({*SETS, *(path.parent.name for path in SETS_FOLDER.glob(f'*/{CONVERTED["ann_file"]}'))})
    if str(name) not in known:
        near = get_close_matches(str(name), known, 1)
        raise ConfigError(
            f'there is no data set {str(name)!r}{f", did you mean {near[0]}?" if near else "."} Known are '
            f'{", ".join(known)}; your own is {SETS_FOLDER}/NAME with {CONVERTED["ann_file"]}, or a config (.py)'
        )
    dataset = dict(type='ForgeryDataset', data_root=str(SETS_FOLDER / name), **CONVERTED)
    return Config(
        dict(
            train_dataloader=dict(dataset=dataset),
            val_dataloader=None,
            test_dataloader=dict(dataset=dict(dataset, test_mode=True)),
        )
    )


def give_pipeline(dataset: ConfigDict, pipeline: list) -> None:
    """Set the pipeline of a data set, or of those that it is put together of.

    Args:
        dataset (ConfigDict): Is changed; a ForgeryDataset, or mmengine's ConcatDataset or RepeatDataset of such.
        pipeline (list): Configs of transforms.
    """
    for each in iter_dataset_configs(dataset):
        each.pipeline = pipeline


def skip_damaged_images(dataloader: ConfigDict | None) -> None:
    """Have the data sets of a loader leave out what cannot be read.

    Args:
        dataloader (ConfigDict, optional): Is changed.
    """
    for each in iter_dataset_configs(dataloader.dataset) if dataloader else ():
        each.skip_damaged = True


def load_in_process(dataloader: ConfigDict | None) -> None:
    """Take the options of workers from a loader that has none, where torch refuses them.

    Args:
        dataloader (ConfigDict, optional): Is changed where ``num_workers`` is 0.
    """
    if dataloader and not dataloader.get('num_workers', 0):
        for option in OF_WORKERS:
            dataloader.pop(option, None)


def _join_on_processors(cfg: Config) -> None:
    """Join the processes of torchrun on a machine without a GPU, of which mmengine's own start takes hold of one."""
    if not dist.is_initialized():
        seconds = cfg.get('env_cfg', {}).get('dist_cfg', {}).get('timeout')
        dist.init_process_group('gloo', timeout=timedelta(seconds=seconds) if seconds else None)
    wrapper = dict(type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False)
    if cfg.get('find_unused_parameters'):
        wrapper['find_unused_parameters'] = True
    cfg.setdefault('model_wrapper_cfg', wrapper)
    _use_plain_norms(cfg.model)


def _use_plain_norms(part: Any) -> None:
    """Make every SyncBN of a model's config a BN: torch's wants GPUs in training."""
    if isinstance(part, list | tuple):
        for each in part:
            _use_plain_norms(each)
    elif isinstance(part, dict):
        if part.get('type') == 'SyncBN':
            part['type'] = 'BN'
        for each in part.values():
            _use_plain_norms(each)
