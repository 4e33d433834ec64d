"""A test, as tools/test.py runs it."""

import sys
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.dist import barrier, is_main_process
from mmengine.logging import MMLogger
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop
from mmseg.registry import METRICS

from focal_mmseg.datasets import ForgeryDataset
from focal_mmseg.datasets.degradations import degrade_tests
from focal_mmseg.datasets.wrapped import iter_datasets
from focal_mmseg.engine import FOCALRunner
from focal_mmseg.engine.checkpoint import require_source
from focal_mmseg.evaluation import ForgeryMetric
from focal_mmseg.utils import ConfigError

from .calibration import Calibration, find_calibration
from .run_config import give_pipeline, load_run_config, print_log_file
from .testing_overview import write_overview


def test(
    config: str | Path,
    checkpoint: str | Path | None = None,
    *,
    calibration: str | Path | None = None,
    out: str | None = None,
    show: bool = False,
    show_dir: str | None = None,
    wait_time: float = 2,
    tta: bool = False,
    degradation: str = 'none',
    **run: Any,
) -> dict[str, float]:
    """Test a checkpoint, on mmengine's Runner.

    Args:
        config (str | Path): Config file.
        checkpoint (str | Path, optional): Weights; defaults to those that the config names. A fusion needs none.
        calibration (str | Path, optional): Of ``tools/calibrate.py``: its threshold decides what is forged; see
            :class:`.FOCALInferencer`.
        out (str, optional): Folder for the predicted masks (white = forged), the table of images and a page of them.
        show (bool): Show each image with its mask in a window. Defaults to False.
        show_dir (str, optional): Folder for drawings: truth on the left, prediction on the right.
        wait_time (float): Seconds that a window stays. Defaults to 2.
        tta (bool): Average the image and its mirror image. Defaults to False.
        degradation (str): What is done to each image first, see :func:`.parse_degradation`. Defaults to ``'none'``.
        **run (Any): Of :func:`load_run_config`: ``work_dir``, ``cfg_options``, ``data``, ...

    Returns:
        dict[str, float]: The metrics.

    Raises:
        ConfigError: If the config or an option asks for what cannot be.
        FileNotFoundError: If a file or folder is missing.
        SystemExit: If images were skipped; says which.
    """
    cfg = load_run_config(config, ('test',), **run)
    checkpoint = checkpoint or cfg.get('weights')
    require_source(cfg.model, checkpoint)
    cfg.load_from = checkpoint
    degrade_tests(cfg, degradation)
    if show or show_dir:
        draw(cfg, show, show_dir, wait_time)
    if tta:
        average_views(cfg, config)
    keep_results(cfg, out)
    try:
        found = find_calibration(calibration, config, checkpoint, run.get('cfg_options'), uncalibrated(cfg, tta))
    except ValueError as error:
        raise ConfigError(str(error)) from error
    runner = FOCALRunner.from_cfg(cfg)
    print_log_file(runner)
    if found is not None:
        found.attach(runner.model.module if is_model_wrapper(runner.model) else runner.model)
    metrics = _run(runner)
    if found is not None:
        report_level(found, metrics)
    sets = list(iter_datasets(runner.test_dataloader.dataset))
    # The page needs what ForgeryDataset knows of an image.
    if out and is_main_process() and all(isinstance(each, ForgeryDataset) for each in sets):
        write_overview(Path(out), runner.test_dataloader.dataset)
    skipped = [reason for each in sets for reason in getattr(each, 'skipped', ())]
    if skipped:
        # torchrun ends all processes with the first.
        barrier()
        sys.exit('\n'.join(['skipped:', *skipped]) if is_main_process() else 1)
    return metrics


# Pytest takes it for a test by its name otherwise.
test.__test__ = False  # type: ignore[attr-defined]


def draw(cfg: Config, show: bool, show_dir: str | None, wait_time: float) -> None:
    """Switch mmseg's visualization hook on."""
    cfg.default_hooks.visualization.update(draw=True, show=show, wait_time=wait_time)
    if show_dir:
        cfg.visualizer.save_dir = show_dir


def average_views(cfg: Config, config: str | Path) -> None:
    """Test the image and its mirror image, and average the scores.

    Raises:
        ConfigError: If the config has no pipeline for it.
    """
    if not cfg.get('tta_pipeline'):
        raise ConfigError(
            f'{config} has no tta_pipeline: no flip of a pipeline can mirror the coefficients of a JPEG file. Leave '
            "--tta out; a FOCALEncoderDecoder embeds mirror images by model.test_cfg.mirrors=['horizontal']"
        )
    give_pipeline(cfg.test_dataloader.dataset, cfg.tta_pipeline)
    cfg.model = dict(**cfg.tta_model, module=cfg.model)


def list_evaluators(cfg: Config) -> list[ConfigDict]:
    """The configs of the metrics of a test, in whichever of mmengine's three forms."""
    given = cfg.get('test_evaluator') or []
    if isinstance(given, dict):
        given = given.get('metrics', given)
    return list(given) if isinstance(given, list | tuple) else [given]


def is_forgery_metric(evaluator: ConfigDict) -> bool:
    """Whether a config is of a ForgeryMetric, under any name that the registry knows it by."""
    kind = METRICS.get(evaluator.type) if isinstance(evaluator.type, str) else evaluator.type
    return isinstance(kind, type) and issubclass(kind, ForgeryMetric)


def keep_results(cfg: Config, out: str | None) -> None:
    """Have the first ForgeryMetric write its files, or else the rows of single images while the test runs.

    Raises:
        ConfigError: If there is none to write into ``out``.
    """
    ours = next(filter(is_forgery_metric, list_evaluators(cfg)), None)
    if ours is not None:
        ours.update(dict(output_dir=out, keep_results=True) if out else {})
        ours.setdefault('partial_dir', None if out else cfg.work_dir)
    elif out:
        raise ConfigError(
            '--out: test_evaluator has no ForgeryMetric, which writes the masks, under the names of the images with '
            "their folders, and the tables; add it: test_evaluator=[dict(type='ForgeryMetric'), ...]"
        )


def uncalibrated(cfg: Config, tta: bool) -> str | None:
    """Why no calibration of the model holds in a run; None where one can.

    Args:
        cfg (Config): Of the run.
        tta (bool): Whether views are averaged.
    """
    if tta:
        return '--tta averages several views, whose scores a calibration of one view knows nothing of'
    if any(hook.type == 'ClusteringHook' and hook.get('clusterer') for hook in cfg.get('custom_hooks', [])):
        return (
            'a ClusteringHook with a clusterer is in custom_hooks: its scores are not those of the calibration. Set '
            'model.decode_head.clusterer instead, and calibrate that'
        )
    return None


def report_level(calibration: Calibration, metrics: dict[str, float]) -> None:
    """Say beside the level that was calibrated for which one the test met."""
    name = 'image_false_alarm' if calibration.of == 'images' else 'false_alarm'
    met = metrics.get(f'forgery/{name}')
    outcome = 'the test has no pristine images' if met is None else f'met {met:.2%}'
    MMLogger.get_current_instance().info(f'false alarms: calibrated for {calibration}; {outcome}')


def _run(runner: Runner) -> dict[str, float]:
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
