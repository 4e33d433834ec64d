"""What tools/train.py and tools/test.py share: the arguments that mmseg users know."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, DictAction
from torch import distributed as dist

from focal_mmseg.engine.checkpoint import load_weights_only


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``config``, ``--work-dir``, ``--cfg-options``, ``--launcher`` and ``--local-rank``."""
    parser.add_argument('config', help='config file, as configs/focal_hrnet.py')
    parser.add_argument('--work-dir', help='folder of logs and checkpoints; default work_dirs/<name of the config>')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='override the config, as train_dataloader.batch_size=2 or model.backbone.init_cfg=None',
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


def load_run_config(args: argparse.Namespace) -> Config:
    """Read the config and apply the arguments of :func:`add_run_arguments`.

    From here on this process loads checkpoints weights-only, so that none of them can run code. Without a GPU
    ``--launcher pytorch`` joins torchrun's processes through gloo.

    Raises:
        FileNotFoundError: If the config file is missing.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    load_weights_only()
    cfg = Config.fromfile(args.config)
    cfg.launcher = args.launcher
    cfg.merge_from_dict(args.cfg_options)
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or str(Path('work_dirs') / Path(args.config).stem)
    if args.launcher == 'pytorch' and not torch.cuda.is_available():
        _join_on_processors(cfg)
    return cfg


def _join_on_processors(cfg: Config) -> None:
    """Join the processes of torchrun on a machine without a GPU, of which mmengine's own start takes hold of one."""
    if not dist.is_initialized():
        dist.init_process_group('gloo')
    wrapper = dict(type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False)
    if cfg.get('find_unused_parameters'):
        wrapper['find_unused_parameters'] = True
    cfg.setdefault('model_wrapper_cfg', wrapper)
