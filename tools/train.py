"""Train a model, on mmengine's Runner.

Example:
  python tools/train.py configs/focal_vit.py
  python tools/train.py configs/focal_hrnet.py --amp --cfg-options train_dataloader.batch_size=2
  python tools/train.py configs/focal_vit.py --data configs/_base_/datasets/forgery_train.py
  python tools/train.py configs/focal_vit.py --track tensorboard
  torchrun --nproc-per-node 4 tools/train.py configs/focal_vit.py --launcher pytorch
"""

import argparse

from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import RUNNERS

from focal_mmseg.apis import add_run_arguments, load_run_config
from focal_mmseg.apis.tracking import TRACKERS, use_trackers
from focal_mmseg.engine.deepspeed import prepare_deepspeed
from focal_mmseg.engine.hooks.exact_resume_hook import resume_in_work_dir
from focal_mmseg.utils import run_command


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_run_arguments(parser)
    parser.add_argument('--resume', action='store_true', help='go on from the latest whole checkpoint in the work dir')
    parser.add_argument('--amp', action='store_true', help='train in automatic mixed precision')
    parser.add_argument(
        '--track', nargs='+', choices=list(TRACKERS), default=[], help='show curves and sample pictures there too'
    )
    return parser.parse_args()


def use_amp(cfg: Config) -> None:
    """Switch a plain optimizer wrapper to mixed precision; one that is there already stays.

    Raises:
        ValueError: If the wrapper is of a third kind.
    """
    wrapper = cfg.optim_wrapper
    if wrapper.type == 'AmpOptimWrapper':
        return
    if wrapper.type != 'OptimWrapper':
        raise ValueError(f'--amp needs optim_wrapper.type OptimWrapper or AmpOptimWrapper, got {wrapper.type}')
    wrapper.type = 'AmpOptimWrapper'
    wrapper.setdefault('loss_scale', 'dynamic')


def main() -> None:
    """Train."""
    args = parse_args()
    cfg = load_run_config(args, ('train', 'val'))
    if args.amp:
        use_amp(cfg)
    use_trackers(cfg, args.track)
    if cfg.get('strategy', {}).get('type') == 'FOCALDeepSpeedStrategy':
        prepare_deepspeed(cfg)
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    if args.resume:
        resume_in_work_dir(runner)
    runner.train()


if __name__ == '__main__':
    run_command(main)
