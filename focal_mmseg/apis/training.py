"""A training, as tools/train.py runs it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmseg.registry import RUNNERS

from focal_mmseg.engine import FOCALRunner
from focal_mmseg.engine.deepspeed import prepare_deepspeed
from focal_mmseg.engine.hooks.exact_resume_hook import resume_in_work_dir
from focal_mmseg.utils import ConfigError

from .run_config import load_run_config, print_log_file
from .tracking import use_trackers


def train(
    config: str | Path, *, resume: bool = False, amp: bool = False, track: Sequence[str] = (), **run: Any
) -> None:
    """Train a model, on mmengine's Runner.

    Args:
        config (str | Path): Config file.
        resume (bool): Go on from the latest whole checkpoint in the work dir. Defaults to False.
        amp (bool): Train in automatic mixed precision. Defaults to False.
        track (Sequence[str]): Names of ``TRACKERS`` that show curves and sample images too.
        **run (Any): Of :func:`load_run_config`: ``work_dir``, ``cfg_options``, ``data``, ...

    Raises:
        ConfigError: If the config or an option asks for what cannot be.
        FileNotFoundError: If a file or folder is missing.
    """
    cfg = load_run_config(config, ('train', 'val'), **run)
    if amp:
        use_amp(cfg)
    use_trackers(cfg, track)
    if cfg.get('strategy', {}).get('type') == 'FOCALDeepSpeedStrategy':
        prepare_deepspeed(cfg)
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else FOCALRunner.from_cfg(cfg)
    if resume:
        resume_in_work_dir(runner)
    print_log_file(runner)
    runner.train()


def use_amp(cfg: Config) -> None:
    """Switch a plain optimizer wrapper to mixed precision; one that is there already stays.

    Raises:
        ConfigError: If the wrapper is of a third kind.
    """
    wrapper = cfg.optim_wrapper
    if wrapper.type == 'AmpOptimWrapper':
        return
    if wrapper.type != 'OptimWrapper':
        raise ConfigError(f'--amp needs optim_wrapper.type OptimWrapper or AmpOptimWrapper, got {wrapper.type}')
    wrapper.type = 'AmpOptimWrapper'
    wrapper.setdefault('loss_scale', 'dynamic')
