"""Test a checkpoint: the table of the metric, and masks and drawings on request.

Example:
  python tools/test.py configs/focal_hrnet.py work_dirs/focal_hrnet/iter_40000.pth
  python tools/test.py configs/focal_hrnet.py hrnet.pth --out masks --show-dir drawings
  python tools/test.py configs/focal_hrnet.py hrnet.pth --tta
  python tools/test.py configs/focal_hrnet.py hrnet.pth --data configs/_base_/datasets/forgery_test.py
  python tools/test.py configs/focal_hrnet.py hrnet.pth --degradation jpeg:70
  python tools/test.py configs/focal_hrnet.py hrnet.pth --calibration calibration.json
  python tools/test.py configs/focal_fusion.py
"""

import argparse
import sys

from mmengine.config import Config, ConfigDict
from mmengine.dist import barrier, is_main_process
from mmengine.logging import MMLogger
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop
from mmseg.registry import METRICS

from focal_mmseg.apis import Calibration, add_run_arguments, load_run_config
from focal_mmseg.apis.calibration import fingerprint
from focal_mmseg.apis.run_config import give_pipeline
from focal_mmseg.datasets.degradations import degrade_tests, parse_degradation
from focal_mmseg.datasets.wrapped import built_sets
from focal_mmseg.engine.checkpoint import require_source
from focal_mmseg.evaluation import ForgeryMetric
from focal_mmseg.utils import ConfigError, run_command


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_run_arguments(parser)
    parser.add_argument(
        'checkpoint',
        nargs='?',
        help='weights; a fusion, and what has no parameters, needs none',
    )
    parser.add_argument('--calibration', help='of tools/calibrate.py: what is forged is decided by its threshold')
    parser.add_argument('--out', help='folder for the predicted masks (white = forged) and images.csv')
    parser.add_argument('--show', action='store_true', help='show each picture with its mask in a window')
    parser.add_argument('--show-dir', help='folder for drawings: truth on the left, prediction on the right')
    parser.add_argument('--wait-time', type=float, default=2, help='seconds a window stays with --show')
    parser.add_argument('--tta', action='store_true', help='average the picture and its mirror image')
    parser.add_argument(
        '--degradation',
        type=degradation,
        default='none',
        help='what befalls each picture first: jpeg:70, blur:5, noise-sigma:5, resize:0.5+jpeg:70, ...: '
        'docs/robustness.md',
    )
    # Intermixed: the checkpoint may stand behind options although it is optional.
    return parser.parse_intermixed_args()


def degradation(text: str) -> str:
    """An ``argparse`` type: a short name of :func:`parse_degradation`."""
    try:
        parse_degradation(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def draw(cfg: Config, args: argparse.Namespace) -> None:
    """Switch mmseg's visualization hook on."""
    cfg.default_hooks.visualization.update(draw=True, show=args.show, wait_time=args.wait_time)
    if args.show_dir:
        cfg.visualizer.save_dir = args.show_dir


def evaluators_of(cfg: Config) -> list[ConfigDict]:
    """The configs of the metrics of a test, in whichever of mmengine's three forms."""
    given = cfg.get('test_evaluator') or []
    if isinstance(given, dict):
        given = given.get('metrics', given)
    return list(given) if isinstance(given, list | tuple) else [given]


def is_ours(evaluator: ConfigDict) -> bool:
    """Whether a config is of a ForgeryMetric, under any name that the registry knows it by."""
    kind = METRICS.get(evaluator.type) if isinstance(evaluator.type, str) else evaluator.type
    return isinstance(kind, type) and issubclass(kind, ForgeryMetric)


def keep_figures(cfg: Config, out: str | None) -> None:
    """Have the first ForgeryMetric write its files, or else the rows of single pictures while the test runs.

    Raises:
        ConfigError: If there is none to write into ``out``.
    """
    ours = next(filter(is_ours, evaluators_of(cfg)), None)
    if ours is not None:
        ours.update(dict(output_dir=out, keep_results=True) if out else {})
        ours.setdefault('partial_dir', None if out else cfg.work_dir)
    elif out:
        raise ConfigError(
            '--out: test_evaluator has no ForgeryMetric, which writes the masks, under the names of the pictures with '
            "their folders, and the tables; add it: test_evaluator=[dict(type='ForgeryMetric'), ...]"
        )


def calibration_of(cfg: Config, args: argparse.Namespace, checkpoint: str | None) -> Calibration | None:
    """What ``--calibration`` names; None without it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is of another model, or the run changes what the model finds.
    """
    if args.calibration is None:
        return None
    if args.tta:
        raise ValueError('--tta averages several views, whose scores a calibration of one view knows nothing of')
    if any(hook.type == 'ClusteringHook' and hook.get('clusterer') for hook in cfg.get('custom_hooks', [])):
        raise ValueError(
            'a ClusteringHook with a clusterer is in custom_hooks: its scores are not those of the calibration. Set '
            'model.decode_head.clusterer instead, and calibrate that'
        )
    found = Calibration.read(args.calibration)
    found.require_model(fingerprint(args.config, checkpoint, args.cfg_options), args.calibration)
    return found


def report_level(calibration: Calibration, figures: dict[str, float]) -> None:
    """Say beside the level that was calibrated for which one the test met."""
    name = 'image_false_alarm' if calibration.of == 'images' else 'false_alarm'
    met = figures.get(f'forgery/{name}')
    said = 'the test has no pristine images' if met is None else f'met {met:.2%}'
    MMLogger.get_current_instance().info(f'false alarms: calibrated for {calibration}; {said}')


def run(runner: Runner) -> dict[str, float]:
    """Test; after an error, or an interruption, say where the rows are of what was scored before."""
    try:
        return runner.test()
    except BaseException:
        begun = isinstance(runner._test_loop, BaseLoop)
        for metric in runner._test_loop.evaluator.metrics if begun else ():
            kept = metric.partial if isinstance(metric, ForgeryMetric) else None
            if kept:
                print(f'\nthe test did not end; what was scored before is in {kept}', file=sys.stderr)
        raise


def main() -> None:
    """Test."""
    args = parse_args()
    cfg = load_run_config(args, ('test',))
    checkpoint = args.checkpoint or cfg.get('weights')
    require_source(cfg.model, checkpoint)
    cfg.load_from = checkpoint
    degrade_tests(cfg, args.degradation)
    if args.show or args.show_dir:
        draw(cfg, args)
    if args.tta:
        if not cfg.get('tta_pipeline'):
            raise ValueError(
                f'{args.config} has no tta_pipeline: its network must not see mirror images, as the coefficients of a '
                'JPEG file cannot be mirrored: leave --tta out'
            )
        give_pipeline(cfg.test_dataloader.dataset, cfg.tta_pipeline)
        cfg.model = dict(**cfg.tta_model, module=cfg.model)
    keep_figures(cfg, args.out)
    calibration = calibration_of(cfg, args, checkpoint)
    runner = Runner.from_cfg(cfg)
    if calibration is not None:
        calibration.attach(runner.model.module if is_model_wrapper(runner.model) else runner.model)
    figures = run(runner)
    if calibration is not None:
        report_level(calibration, figures)
    skipped = [reason for each in built_sets(runner.test_dataloader.dataset) for reason in getattr(each, 'skipped', ())]
    if skipped:
        # torchrun ends all processes with the first.
        barrier()
        sys.exit('\n'.join(['skipped:', *skipped]) if is_main_process() else 1)


if __name__ == '__main__':
    run_command(main)
