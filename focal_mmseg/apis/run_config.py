"""What tools/train.py and tools/test.py share: the arguments that mmseg users know."""

import argparse
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict, DictAction
from torch import distributed as dist

from focal_mmseg.datasets.wrapped import single_sets
from focal_mmseg.engine.checkpoint import load_weights_only
from focal_mmseg.utils import override, read_config

# Options of torch's DataLoader that it refuses without workers.
OF_WORKERS = ('persistent_workers', 'prefetch_factor', 'multiprocessing_context', 'timeout')


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
        metavar='FILE',
        help='take the data sets of another config, as configs/_base_/datasets/casia1.py; pipelines stay',
    )
    parser.add_argument(
        '--skip-damaged', action='store_true', help='leave out pictures that cannot be read, with a warning'
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


def load_run_config(args: argparse.Namespace, parts: Sequence[str]) -> Config:
    """Read the config and apply the arguments of :func:`add_run_arguments`.

    From here on this process loads checkpoints weights-only, so that none of them can run code. Without a GPU
    ``--launcher pytorch`` joins torchrun's processes through gloo; ``--launcher mpi`` on one machine needs no
    variables.

    Args:
        args (argparse.Namespace): The command line.
        parts (Sequence[str]): Of ``'train'``, ``'val'`` and ``'test'``, those whose data sets ``--data`` replaces.

    Raises:
        ConfigError: If an option would change nothing, see :func:`override`.
        FileNotFoundError: If the config file is missing.
    """
    if args.launcher == 'mpi':
        _prepare_mpi()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    load_weights_only()
    cfg = read_config(args.config)
    cfg.launcher = args.launcher
    if args.data:
        use_data(cfg, args.data, parts)
    override(cfg, args.cfg_options)
    for part in ('train', 'val', 'test'):
        load_in_process(cfg.get(f'{part}_dataloader'))
    if args.skip_damaged:
        for part in parts:
            skip_damaged(cfg.get(f'{part}_dataloader'))
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or str(Path('work_dirs') / Path(args.config).stem)
    if args.launcher == 'pytorch' and not torch.cuda.is_available():
        _join_on_processors(cfg)
    return cfg


def use_data(cfg: Config, file: str | Path, parts: Sequence[str]) -> None:
    """Take the data sets of another config and leave all else, the pipelines too.

    Where the other config says ``val_dataloader = None``, nothing is validated.

    Args:
        cfg (Config): Is changed.
        file (str | Path): A config with ``train_dataloader``, ``val_dataloader`` or ``test_dataloader``.
        parts (Sequence[str]): Of ``'train'``, ``'val'`` and ``'test'``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it has no data set for any of the parts.
    """
    other = read_config(file)
    found = [part for part in parts if other.get(f'{part}_dataloader') and cfg.get(f'{part}_dataloader')]
    if not found:
        raise ValueError(f'{file} has no data sets for {" or ".join(parts)}')
    if 'val' in parts and 'val_dataloader' in other and other.val_dataloader is None:
        cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
        cfg.default_hooks.checkpoint.save_best = None
    for part in found:
        dataset = other[f'{part}_dataloader'].dataset
        give_pipeline(dataset, cfg.train_pipeline if part == 'train' else cfg.test_pipeline)
        cfg[f'{part}_dataloader'].dataset = dataset


def give_pipeline(dataset: ConfigDict, pipeline: list) -> None:
    """Set the pipeline of a data set, or of those that it is put together of.

    Args:
        dataset (ConfigDict): Is changed; a ForgeryDataset, or mmengine's ConcatDataset or RepeatDataset of such.
        pipeline (list): Configs of transforms.
    """
    for each in single_sets(dataset):
        each.pipeline = pipeline


def skip_damaged(dataloader: ConfigDict | None) -> None:
    """Have the data sets of a loader leave out what cannot be read.

    Args:
        dataloader (ConfigDict, optional): Is changed.
    """
    for each in single_sets(dataloader.dataset) if dataloader else ():
        each.skip_damaged = True


def load_in_process(dataloader: ConfigDict | None) -> None:
    """Take the options of workers from a loader that has none, where torch refuses them.

    Args:
        dataloader (ConfigDict, optional): Is changed where ``num_workers`` is 0.
    """
    if dataloader and not dataloader.get('num_workers', 0):
        for option in OF_WORKERS:
            dataloader.pop(option, None)


def _prepare_mpi() -> None:
    """Set what mmengine wants of the environment and Open MPI does not give.

    Raises:
        ValueError: If this process was not started by mpirun, or on one of several machines with no MASTER_ADDR.
    """
    ours = os.environ
    if 'OMPI_COMM_WORLD_LOCAL_RANK' not in ours:
        raise ValueError(
            "--launcher mpi needs Open MPI's mpirun: mpirun -np 4 python tools/train.py ... --launcher mpi"
        )
    ours['LOCAL_RANK'] = ours['OMPI_COMM_WORLD_LOCAL_RANK']
    if 'MASTER_ADDR' in ours:
        return
    if ours.get('OMPI_COMM_WORLD_LOCAL_SIZE') != ours.get('OMPI_COMM_WORLD_SIZE'):
        raise ValueError('mpirun on several machines: give the first one, mpirun -x MASTER_ADDR=...')
    ours['MASTER_ADDR'] = '127.0.0.1'


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
