"""Chooses the clusterer of a validation or test run, and tells what it found in each image."""

import csv
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop
from mmseg.registry import HOOKS, TASK_UTILS
from mmseg.utils import ConfigType, SampleList

from focal_mmseg.clustering import Clusterer
from focal_mmseg.utils import atomic_write

NEEDED = "ClusteringHook needs model.type='FOCALEncoderDecoder' or 'FOCALFusion'"
# Where a head keeps its own clusterer while another is in its place: any later run finds it there.
OWN = 'own_clusterer'


class Row(NamedTuple):
    """What the clustering of one image gave.

    Attributes:
        img_path (str): The image.
        clusters (float): Clusters found, noise not counted; the mean of the views under test-time augmentation.
        noise_share (float): Share of points without a cluster; the mean of the views.
        seconds (float): What the clustering took, all views together.
    """

    img_path: str
    clusters: float
    noise_share: float
    seconds: float

    def __str__(self) -> str:
        return (
            f'{self.img_path}: {self.clusters:g} clusters, {self.noise_share:.1%} of the points noise, '
            f'{self.seconds:.3f} s'
        )


@HOOKS.register_module()
class ClusteringHook(Hook):
    """Chooses the clusterer of a validation or test run, and tells what it found in each image.

    The clusterer is in the head's place while the run lasts; checkpoint and config stay as they are. What was found is
    read from the data samples, into which :class:`FOCALEncoderDecoder` and :class:`FOCALFusion` write it. Each run
    writes ``clustering_test.csv`` or ``clustering_val_<iteration>.csv``, a :class:`Row` an image, into the runner's log
    folder, logs a summary, and adds the means to the metrics that mmengine's ``LoggerHook`` prints and records.

    Args:
        clusterer (dict, optional): Config of a clusterer in TASK_UTILS to use in place of the head's own. None keeps
            the head's own. Defaults to None.
        interval (int, optional): Log a line for every so many images. None leaves them to the CSV. Defaults to None.

    Raises:
        TypeError: If ``clusterer`` makes something else.
        ValueError: If ``interval`` is below 1.
    """

    def __init__(self, clusterer: ConfigType | None = None, interval: int | None = None) -> None:
        self.clusterer = None if clusterer is None else TASK_UTILS.build(clusterer)
        if not isinstance(self.clusterer, Clusterer | None):
            raise TypeError(
                f'ClusteringHook needs a clusterer such as KMeansClusterer, got {type(self.clusterer).__name__}'
            )
        if interval is not None and interval < 1:
            raise ValueError(f'interval must be None or at least 1, got {interval}')
        self.interval = interval
        self._rows: list[Row] = []

    def before_run(self, runner: Runner) -> None:
        """Find what cannot work before a long training does.

        Raises:
            ValueError: If the model has no clusterer or keeps to itself what it finds, or the runner has another
                ``ClusteringHook``.
        """
        hooks = sum(isinstance(hook, ClusteringHook) for hook in runner.hooks)
        if hooks > 1:
            raise ValueError(f'the config has {hooks} ClusteringHooks in custom_hooks and default_hooks: keep one')
        self._put_back(runner)

    def before_val_epoch(self, runner: Runner) -> None:
        """Put the clusterer in place."""
        self._install(runner)

    def before_test_epoch(self, runner: Runner) -> None:
        """Put the clusterer in place."""
        self._install(runner)

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: SampleList | None = None
    ) -> None:
        """Note what was found in the images of the batch."""
        self._note(runner, outputs)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: SampleList | None = None
    ) -> None:
        """Note what was found in the images of the batch."""
        self._note(runner, outputs)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Put the head's own clusterer back and report."""
        self._put_back(runner)
        # Asking for runner.iter builds the training loop of a run that only validates.
        iteration = runner.iter if isinstance(runner._train_loop, BaseLoop) else 0
        self._report(runner, 'val', f'clustering_val_{iteration}.csv')

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Put the head's own clusterer back and report."""
        self._put_back(runner)
        self._report(runner, 'test', 'clustering_test.csv')

    def _install(self, runner: Runner) -> None:
        """Put the clusterer into each head, in place of its own or of what an interrupted run left there."""
        self._put_back(runner)
        self._rows = []
        for head in clustering_heads(runner.model) if self.clusterer else ():
            setattr(head, OWN, head.clusterer)
            head.clusterer = self.clusterer

    @staticmethod
    def _put_back(runner: Runner) -> None:
        """Give each head its own clusterer."""
        for head in clustering_heads(runner.model):
            if hasattr(head, OWN):
                head.clusterer = getattr(head, OWN)
                delattr(head, OWN)

    def _note(self, runner: Runner, outputs: SampleList) -> None:
        """Note what the samples of this iteration say."""
        for sample in outputs:
            if 'img_path' not in sample:
                raise ValueError("ClusteringHook names images by 'img_path': add it to PackSegInputs' meta_keys")
            if 'num_clusters' not in sample:
                raise ValueError(f'the model does not say how many clusters {sample.img_path} has. {NEEDED}')
            row = Row(sample.img_path, sample.num_clusters, sample.noise_share, sample.clustering_seconds)
            self._rows.append(row)
            if self.interval and len(self._rows) % self.interval == 0:
                runner.logger.info(str(row))

    def _report(self, runner: Runner, mode: str, name: str) -> None:
        """Log the means of all processes' images, and write their rows."""
        rows = _merged(all_gather_object(self._rows))
        path = Path(runner.log_dir) / name
        clusters, noise_share, seconds = (fmean(float(row[column]) for row in rows) for column in (1, 2, 3))
        means = dict(clusters=clusters, noise_share=noise_share, seconds=seconds)
        # None of these names may hold "time" or "loss": LogProcessor would average them over several validations.
        runner.message_hub.update_scalars({f'{mode}/clustering/{key}': value for key, value in means.items()})
        runner.logger.info(
            f'Clustering of {len(rows)} images: {clusters:.2f} clusters and {noise_share:.1%} of the points noise on '
            f'average, {seconds:.3f} s an image, at most {max(row.seconds for row in rows):.3f} s; each in {path}'
        )
        if runner.rank == 0:
            with (
                atomic_write(path) as part,
                part.open('w', newline='', encoding='utf-8', errors='surrogateescape') as file,
            ):
                writer = csv.writer(file)
                writer.writerow(Row._fields)
                writer.writerows(rows)


def clustering_heads(model: Any) -> list[Any]:
    """The modules of a model that have a clusterer, through wrappers for distribution and test-time augmentation.

    Args:
        model (nn.Module): As a runner holds it.

    Returns:
        list[nn.Module]: At least one.

    Raises:
        ValueError: If there is none, or the model does not write into the data samples what it finds.
    """
    # The DeepSpeed wrapper is no nn.Module; in the others, and in BaseTTAModel, the model is a submodule.
    while is_model_wrapper(model):
        model = model.module
    heads = [module for module in model.modules() if isinstance(getattr(module, 'clusterer', None), Clusterer)]
    if not heads:
        raise ValueError(
            f'{type(model).__name__} has no head with a clusterer: ClusteringHook is for models with a FOCALHead, '
            'take it out of this config'
        )
    if not any(getattr(module, 'writes_clustering', False) for module in model.modules()):
        raise ValueError(f'{type(model).__name__} writes nothing of its clusters into the data samples. {NEEDED}')
    return heads


def _merged(gathered: Sequence[Sequence[Row]]) -> list[Row]:
    """One row an image, in the order in which the sampler dealt them to the processes.

    It may deal out some images twice, so that all processes get equally many.
    """
    rows: dict[str, Row] = {}
    for turn in zip_longest(*gathered):
        for row in turn:
            if row is not None:
                rows.setdefault(row.img_path, row)
    return list(rows.values())
