"""The metrics of the papers' tables, image by image, then averaged, pooled, and of the images as a whole."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.dist import get_rank, get_world_size, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from mmseg.registry import METRICS

from focal_mmseg.evaluation.averages import EXCLUDE, require_pristine_rule
from focal_mmseg.evaluation.detection import require_image_threshold
from focal_mmseg.evaluation.files import (
    CURVES_FILE,
    IMAGES_FILE,
    SUMMARIES,
    append_row,
    write_operating_curves,
    write_rows,
    write_summary,
)
from focal_mmseg.evaluation.groups import group_rows
from focal_mmseg.evaluation.image_scores import IMAGE_SCORES
from focal_mmseg.evaluation.localisation import LOCALISATION_METRICS, metrics_and_counts
from focal_mmseg.evaluation.operating import operating_curve
from focal_mmseg.evaluation.pooling import count_columns, score_histogram
from focal_mmseg.evaluation.pristine_sets import DECLARED, require_forged_images
from focal_mmseg.evaluation.summary import MEAN_OF_SETS, SET_HEADINGS, summarise, summary_tables
from focal_mmseg.utils import MAPS, to_16_bits, write_image

OF_MODEL = 'model'
WITHOUT_OWN = 'top10'


@METRICS.register_module()
class ForgeryMetric(BaseMetric):
    """Every metric that papers on forgery localisation print, in one pass; docs/guide/metrics.md defines each.

    Each is computed in every image and then averaged (eq. 5, 6): over all images, over each data set, and over each
    kind of image in a set. Forged and pristine images are never mixed in a mean: ``false_alarm`` is of the pristine
    images, every other average of the forged ones, and tables and files have a row for each; ``pristine`` chooses
    another rule. ``pooled_*`` are of all pixels of all images together, ``image_*`` tell images as a whole apart, and
    ``operating_*`` are of one threshold for all images, at 5 % false alarms.

    In the values that go to the logger the names are ``forgery/iou``, ``forgery/<set>/iou``,
    ``forgery/<set>/<kind>/iou`` and, where there are several sets, ``forgery/mean of sets/iou``; groups that would only
    repeat their parent are left out. What is kept of an image does not grow with its pixels.

    Args:
        resolution (int | Sequence[int], optional): Score at this (height, width): the mask and the score are brought
            there bilinearly and cut at one half, as the authors' released code does with 64 for ViT and 256 for
            HRNet. A forgery of which nothing is left there has no metrics but counts as a forged image. None scores
            at the size of the image. Defaults to None.
        pristine (str): How images with no forged pixel count in the averages of F1 and IoU: ``'exclude'`` leaves them
            out, by the ``'paper'``'s rule each has IoU 1 if nothing is called forged, else 0, and ``'zero'`` counts
            each as 0. Defaults to ``'exclude'``.
        image_score (str): What ranks images for the AUC of forged against pristine ones: a name of ``IMAGE_SCORES``,
            or ``'model'``, the prediction's own ``image_score``, and where a model gives none ``'top10'``, the best
            of the others (docs/guide/metrics.md). Defaults to ``'model'``.
        image_threshold (float, optional): In [0, 1): an image is called forged, for ``image_f1`` and the accuracies,
            if its image score is above it. None calls it forged if any of its pixels is, as FOCAL does. Defaults to
            None.
        resamples (int): Of the bootstrap for the confidence intervals in the files; 0 goes without. Defaults to 1000.
        ignore_index (int): Label of the pixels that are not scored. Defaults to 255.
        output_dir (str, optional): Write each mask as ``<set>/<image>.png`` (white = forged), each map of ``MAPS``
            that the model gives as ``<map>/<set>/<image>.png`` (16 bits, 65535 = 1), ``images.csv``, a row an image,
            ``summary.{json,csv,md}``, the rows of each group, and ``operating.csv``, the curves of what is found over
            false alarms, into this folder. Those of an earlier test are removed at the first image. Defaults to None.
        partial_dir (str, optional): Write each image's row as soon as it is scored into ``images.partial.csv`` in
            this folder, another process than the first with its rank in the name; the file is removed when all are
            averaged. Defaults to ``output_dir``.
        keep_results (bool): Accepted because mmseg's test script sets it with ``output_dir``; masks are always kept.
        collect_device (str): ``'cpu'`` or ``'gpu'``. Defaults to ``'cpu'``.
        prefix (str, optional): In place of ``'forgery'``.
        pristine_set (bool): Whether a test set may be wholly pristine, as for a test of false alarms. Else a set
            without a forged pixel is an error, unless its images are of the kind ``'pristine'`` or without a mask.
            Defaults to False.

    Raises:
        ValueError: If an option is out of its range.
    """

    default_prefix = 'forgery'

    def __init__(
        self,
        resolution: int | Sequence[int] | None = None,
        pristine: str = EXCLUDE,
        image_score: str = 'model',
        image_threshold: float | None = None,
        resamples: int = 1000,
        ignore_index: int = 255,
        output_dir: str | None = None,
        partial_dir: str | None = None,
        keep_results: bool = True,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        pristine_set: bool = False,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if isinstance(resolution, int):
            resolution = (resolution, resolution)
        if resolution is not None and (len(resolution) != 2 or min(resolution) < 1):
            raise ValueError(f'resolution must be None, a side, or (height, width) of at least 1, got {resolution}')
        require_pristine_rule(pristine)
        if image_score not in (OF_MODEL, *IMAGE_SCORES):
            raise ValueError(f'image_score must be one of {(OF_MODEL, *IMAGE_SCORES)}, got {image_score!r}')
        require_image_threshold(image_threshold)
        if resamples < 0:
            raise ValueError(f'resamples must be at least 0, got {resamples}')
        self.resolution = resolution
        self.pristine = pristine
        self.image_score = image_score
        self.image_threshold = image_threshold
        self.pristine_set = pristine_set
        self.resamples = resamples
        self.ignore_index = ignore_index
        self.output_dir = Path(output_dir) if output_dir else None
        self.partial_dir = Path(partial_dir) if partial_dir else self.output_dir
        self._written: dict[Path, str] = {}

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Score the images of one batch.

        Args:
            data_batch (Any): Not used.
            data_samples (Sequence[dict]): With ``gt_sem_seg``, ``pred_sem_seg`` and two-channel ``seg_logits``.

        Raises:
            ValueError: If an image has no truth, one of another size or of other values than 0, 1 and
                ``ignore_index``, if ``seg_logits`` has not two channels, or if the mask cannot have a file of its own
                in ``output_dir``.
        """
        if not self.results:
            self._remove_earlier()
        for sample in data_samples:
            truth, forged, score = _planes(sample)
            name = dict(
                dataset=sample.get('dataset_name', ''),
                kind=sample.get('kind', ''),
                image=sample.get('image_name', Path(sample['img_path']).stem),
            )
            if self.output_dir:
                write_image(self._path(self.output_dir, name, sample['img_path']), forged.astype(np.uint8) * 255)
                self._write_maps(self.output_dir, name, sample)
            scored = truth != self.ignore_index
            self._require_labels(truth, sample['img_path'])
            truth = truth == 1
            # At the image's size, for at a lower resolution a small region is lost.
            whole = dict(is_pristine=not (truth & scored).any(), called_forged=bool((forged & scored).any()))
            if self.resolution:
                size = self.resolution[::-1]
                truth, forged, score, scored = (_resize(plane, size) for plane in (truth, forged, score, scored))
                truth, forged, scored = truth >= 0.5, forged >= 0.5, scored >= 0.5
            own = sample.get('image_score') if self.image_score == OF_MODEL else None
            is_declared = name['kind'] == DECLARED or sample.get('seg_map_path', '') is None
            row = name | whole | self._row(truth, forged, score, scored, own) | dict(is_declared=is_declared)
            if not row['is_pristine'] and not row['tp'] + row['fn']:
                # A lost forgery: an empty mask is not right, nor is what is called forged a false alarm.
                row |= dict.fromkeys(LOCALISATION_METRICS, math.nan)
            self.results.append(row)
            if self._partial_path:
                append_row(self._partial_path, self.results[-1])

    def evaluate(self, size: int) -> dict[str, float]:
        """Average what all processes have scored; see mmengine."""
        metrics = super().evaluate(size)
        if self._partial_path:
            self._partial_path.unlink(missing_ok=True)
        return metrics

    def _remove_earlier(self) -> None:
        """Remove what an earlier test left, so that nobody takes it for this one's if this one dies."""
        if self._partial_path:
            self._partial_path.unlink(missing_ok=True)
        if not is_main_process():
            return
        for path in self.partial_dir.glob('images.partial*.csv') if self.partial_dir else ():
            rank = path.stem.removeprefix('images.partial')
            # Processes that this test has too begin theirs anew.
            if rank.isdecimal() and int(rank) >= get_world_size():
                path.unlink()
        if self.output_dir:
            for name in (IMAGES_FILE, CURVES_FILE, *SUMMARIES):
                (self.output_dir / name).unlink(missing_ok=True)

    def _row(
        self, truth: np.ndarray, forged: np.ndarray, score: np.ndarray, scored: np.ndarray, image_score: float | None
    ) -> dict[str, Any]:
        """The metrics of one image; the arrays are of shape (H, W), the score is the model's own if it has one."""
        metrics, *counts = metrics_and_counts(forged, score, truth, scored)
        kept = scored.any()
        if image_score is None and kept:
            image_score = IMAGE_SCORES.get(self.image_score, IMAGE_SCORES[WITHOUT_OWN])(score[scored])
        return dict(
            **metrics,
            image_score=image_score if kept else math.nan,
            **count_columns(*counts),
            histogram=score_histogram(score[scored], truth[scored]),
        )

    @property
    def partial(self) -> Path | None:
        """What this process has scored of a test that did not come to its end, a row an image; None if nothing."""
        path = self._partial_path
        return path if path and self.results and path.is_file() else None

    @property
    def _partial_path(self) -> Path | None:
        """Of this process."""
        return self.partial_dir / f'images.partial{get_rank() or ""}.csv' if self.partial_dir else None

    def _write_maps(self, folder: Path, name: dict[str, str], sample: dict) -> None:
        """Write what the model says of every pixel beside the mask; what an earlier test left there goes."""
        for kind in MAPS:
            if kind in sample:
                values = sample[kind]['data'].squeeze(0).float().cpu().numpy()
                write_image(self._path(folder, name, sample['img_path'], kind), to_16_bits(values))
            else:
                (folder / kind / name['dataset'] / f'{name["image"]}.png').unlink(missing_ok=True)

    def _path(self, folder: Path, name: dict[str, str], img_path: str, kind: str = '') -> Path:
        """Where an image's mask, or a map of it, goes: inside the folder, and where no other image's is."""
        path = folder / kind / name['dataset'] / f'{name["image"]}.png'
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f'the mask of {img_path} would lie outside output_dir, at {path}: change the dataset_name')
        if self._written.setdefault(path, img_path) != img_path:
            raise ValueError(
                f'the masks of {self._written[path]} and {img_path} would both be {path}: give each data set its own '
                "dataset_name, and PackSegInputs the meta_keys 'dataset_name' and 'image_name'"
            )
        return path

    def _require_labels(self, truth: np.ndarray, img_path: str) -> None:
        """Refuse a truth that was not read as a mask: what is neither 0, 1 nor ignored would count as pristine."""
        stray = (truth != 0) & (truth != 1) & (truth != self.ignore_index)
        if stray.any():
            raise ValueError(
                f'{img_path}: the mask to compare with holds {truth[stray][0]} where 0 is pristine, 1 forged and '
                f'{self.ignore_index} ignored: read it by LoadForgeryMask'
            )

    @staticmethod
    def names(places: Iterable[tuple[str, str]]) -> list[str]:
        """What :meth:`compute_metrics` can give; a metric that no image defines is left out there.

        Args:
            places (Iterable[tuple[str, str]]): The data set and the kind of each image, or each once.

        Returns:
            list[str]: Without the prefix.
        """
        groups = group_rows([dict(dataset=dataset, kind=kind) for dataset, kind in places])
        names = [each.name for each in groups]
        if any(each.is_set for each in groups):
            names.append(MEAN_OF_SETS)
        return [
            f'{name}/{metric}' if name else metric
            for name in names
            for metric in (*LOCALISATION_METRICS, *SET_HEADINGS)
        ]

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Average, print the table, write the files.

        Args:
            results (list[dict]): A row an image.

        Returns:
            dict[str, float]: Metrics by name; those that no image defines are left out.

        Raises:
            ValueError: If there is no image, or a test set without a forged pixel that is not declared pristine.
        """
        if not results:
            raise ValueError(f'{type(self).__name__} got no image: is the data set of this evaluator empty?')
        if not self.pristine_set:
            require_forged_images(results)
        folder = self.output_dir if is_main_process() else None
        groups = summarise(results, self.pristine, self.resamples if folder else 0, self.image_threshold)
        on_screen = '\n'.join(map(str, summary_tables(groups)))
        MMLogger.get_current_instance().info(f'\n{on_screen}')
        if folder:
            write_rows(folder / IMAGES_FILE, results)
            write_summary(folder, groups)
            curves = {each.name or 'all': operating_curve(each.rows) for each in group_rows(results)}
            write_operating_curves(folder / CURVES_FILE, {name: each for name, each in curves.items() if each})
        return {
            f'{each.name}/{name}' if each.name else name: value
            for each in groups
            for name, value in each.values.items()
            if not math.isnan(value)
        }


def _resize(plane: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """A plane (H, W) at another width and height, bilinear."""
    return cv2.resize(plane.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)


def _planes(sample: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth (labels), mask (bool) and forged score of one image, each of shape (H, W)."""
    path = sample['img_path']
    if 'gt_sem_seg' not in sample:
        raise ValueError(f'{path} has no mask to compare with: add LoadForgeryMask to the pipeline')
    truth, forged = (sample[key]['data'].cpu().numpy() for key in ('gt_sem_seg', 'pred_sem_seg'))
    truth, forged = (plane.reshape(plane.shape[-2:]) for plane in (truth, forged))
    logits = sample['seg_logits']['data']
    if truth.shape != forged.shape:
        raise ValueError(
            f'{path}: the mask to compare with is of shape {truth.shape}, the predicted one {forged.shape}: '
            'put LoadForgeryMask behind Resize in the test pipeline, so that it keeps the size of the image'
        )
    if len(logits) != 2:
        raise ValueError(f'{path}: seg_logits has {len(logits)} channels: set out_channels=2 in the decode_head')
    return truth, forged == 1, logits.float().softmax(0)[1].cpu().numpy()
