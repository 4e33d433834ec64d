"""The figures of the paper's tables, picture by picture, then averaged."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.dist import is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from mmseg.registry import METRICS
from prettytable import PrettyTable
from sklearn.metrics import roc_auc_score

from focal_mmseg.utils import written_whole

SCORES = ('macro_f1', 'forged_f1', 'iou', 'auc', 'false_alarm')
HEADINGS = ('macro F1', 'forged F1', 'IoU', 'AUC', 'false alarms')


def _f1(true_positive: int, false_positive: int, false_negative: int) -> float:
    """F1 of one class; 1 where the class is neither in the truth nor in the prediction."""
    counted = 2 * true_positive + false_positive + false_negative
    return 2 * true_positive / counted if counted else 1.0


def picture_scores(forged: np.ndarray, score: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """All figures of one picture.

    Args:
        forged (np.ndarray): bool of shape (P,), the predicted mask.
        score (np.ndarray): float of shape (P,), higher means more likely forged.
        truth (np.ndarray): bool of shape (P,).

    Returns:
        dict[str, float]: ``macro_f1`` (eq. 5; where a class occurs in neither truth nor prediction, both are perfect),
        ``forged_f1`` and ``iou`` (eq. 6) of the forged class, both 1 where truth and prediction are empty, ``auc`` of
        the score (NaN unless both classes occur in the truth), ``false_alarm``: the share of pixels called forged
        (NaN unless the truth is empty). All are NaN where there is no pixel.
    """
    if not truth.size:
        return dict.fromkeys(SCORES, float('nan'))
    both = int((forged & truth).sum())
    extra = int((forged & ~truth).sum())
    missed = int((~forged & truth).sum())
    neither = truth.size - both - extra - missed
    forged_f1 = _f1(both, extra, missed)
    pristine_f1 = _f1(neither, missed, extra)
    return dict(
        macro_f1=(forged_f1 + pristine_f1) / 2,
        forged_f1=forged_f1,
        iou=both / (both + extra + missed) if both + extra + missed else 1.0,
        auc=float(roc_auc_score(truth, score)) if 0 < truth.sum() < truth.size else float('nan'),
        false_alarm=float('nan') if truth.any() else extra / truth.size,
    )


def average(rows: Sequence[dict], count_pristine: bool = True) -> dict[str, float]:
    """The mean of each figure over the pictures for which it is defined.

    Args:
        rows (Sequence[dict]): Of :func:`picture_scores`, each with ``is_pristine`` beside the figures.
        count_pristine (bool): Whether pristine pictures count in the F1s and the IoU. Defaults to True.

    Returns:
        dict[str, float]: NaN where no picture defines a figure.
    """
    means = {}
    for name in SCORES:
        values = [row[name] for row in rows if name == 'false_alarm' or count_pristine or not row['is_pristine']]
        values = [value for value in values if not np.isnan(value)]
        means[name] = float(np.mean(values)) if values else float('nan')
    return means


@METRICS.register_module()
class ForgeryMetric(BaseMetric):
    """Macro F1, forged F1, IoU, pixel AUC, and the false-alarm share on pristine pictures.

    Each is computed in every picture and then averaged (eq. 5, 6), over all pictures, over each data set, and over
    each kind of picture in a set. In the values that go to the logger the names are ``forgery/iou``,
    ``forgery/<set>/iou``, ``forgery/<set>/<kind>/iou``; groups that would only repeat their parent are left out.

    Args:
        resolution (int | Sequence[int], optional): Score at this (height, width): the mask and the score are brought
            there bilinearly and cut at one half, as the authors' released code does with 64 for ViT and 256 for
            HRNet. None scores at the size of the picture. Defaults to None.
        count_pristine (bool): Whether pictures with no forged pixel count in the averages of F1 and IoU, by the
            paper's rule (IoU 1 if nothing is predicted, else 0). Defaults to True.
        ignore_index (int): Label of the pixels that are not scored. Defaults to 255.
        output_dir (str, optional): Write each mask as ``<set>/<picture>.png`` (white = forged) and
            ``pictures.csv``, a row a picture, into this folder. Defaults to None.
        keep_results (bool): Accepted because mmseg's test script sets it with ``output_dir``; masks are always kept.
        collect_device (str): ``'cpu'`` or ``'gpu'``. Defaults to ``'cpu'``.
        prefix (str, optional): In place of ``'forgery'``.

    Raises:
        ValueError: If ``resolution`` is not positive.
    """

    default_prefix = 'forgery'

    def __init__(
        self,
        resolution: int | Sequence[int] | None = None,
        count_pristine: bool = True,
        ignore_index: int = 255,
        output_dir: str | None = None,
        keep_results: bool = True,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if isinstance(resolution, int):
            resolution = (resolution, resolution)
        if resolution is not None and (len(resolution) != 2 or min(resolution) < 1):
            raise ValueError(f'resolution must be None, a side, or (height, width) of at least 1, got {resolution}')
        self.resolution = resolution
        self.count_pristine = count_pristine
        self.ignore_index = ignore_index
        self.output_dir = Path(output_dir) if output_dir else None
        self._written: dict[Path, str] = {}

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Score the pictures of one batch.

        Args:
            data_batch (Any): Not used.
            data_samples (Sequence[dict]): With ``gt_sem_seg``, ``pred_sem_seg`` and two-channel ``seg_logits``.

        Raises:
            ValueError: If a picture has no truth or one of another size, if ``seg_logits`` has not two channels, or if
                the mask cannot have a file of its own in ``output_dir``.
        """
        for sample in data_samples:
            truth, forged, score = _planes(sample)
            name = dict(
                dataset=sample.get('dataset_name', ''),
                kind=sample.get('kind', ''),
                picture=sample.get('picture', Path(sample['img_path']).stem),
            )
            if self.output_dir:
                _write_mask(self._mask_path(name, sample['img_path']), forged)
            scored = truth != self.ignore_index
            if self.resolution:
                truth, forged, score, scored = (self._resize(plane) for plane in (truth == 1, forged, score, scored))
                truth, forged, scored = truth >= 0.5, forged >= 0.5, scored >= 0.5
            figures = picture_scores(forged[scored], score[scored], truth[scored] == 1)
            self.results.append({**name, 'is_pristine': not (truth[scored] == 1).any(), **figures})

    def _mask_path(self, name: dict[str, str], img_path: str) -> Path:
        """Where a picture's mask goes: inside ``output_dir``, and where no other picture's mask is."""
        path = self.output_dir / name['dataset'] / f'{name["picture"]}.png'
        if not path.resolve().is_relative_to(self.output_dir.resolve()):
            raise ValueError(f'the mask of {img_path} would lie outside output_dir, at {path}: change the dataset_name')
        if self._written.setdefault(path, img_path) != img_path:
            raise ValueError(
                f'the masks of {self._written[path]} and {img_path} would both be {path}: give each data set its own '
                "dataset_name, and PackSegInputs the meta_keys 'dataset_name' and 'picture'"
            )
        return path

    def _resize(self, plane: np.ndarray) -> np.ndarray:
        """A (H, W) plane at ``resolution``, bilinear."""
        return cv2.resize(plane.astype(np.float32), self.resolution[::-1], interpolation=cv2.INTER_LINEAR)

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Average, print the table, write ``pictures.csv``.

        Args:
            results (list[dict]): A row a picture.

        Returns:
            dict[str, float]: Figures in [0, 1] by name; those that no picture defines are left out.

        Raises:
            ValueError: If there is no picture.
        """
        if not results:
            raise ValueError(f'{type(self).__name__} got no picture: is the data set of this evaluator empty?')
        groups = group(results)
        table = PrettyTable(('pictures', 'number', *HEADINGS))
        values = {}
        for name, rows in groups.items():
            means = average(rows, self.count_pristine)
            table.add_row((name or 'all', len(rows), *('-' if np.isnan(v) else f'{v:.3f}' for v in means.values())))
            values.update({f'{name}/{key}' if name else key: v for key, v in means.items() if not np.isnan(v)})
        MMLogger.get_current_instance().info('\n' + table.get_string())
        if self.output_dir and is_main_process():
            _write_rows(self.output_dir / 'pictures.csv', results)
        return values


def _planes(sample: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth (labels), mask (bool) and forged score of one picture, each of shape (H, W)."""
    path = sample['img_path']
    if 'gt_sem_seg' not in sample:
        raise ValueError(f'{path} has no mask to compare with: add LoadForgeryMask to the pipeline')
    truth, forged = (sample[key]['data'].cpu().numpy() for key in ('gt_sem_seg', 'pred_sem_seg'))
    truth, forged = (plane.reshape(plane.shape[-2:]) for plane in (truth, forged))
    logits = sample['seg_logits']['data']
    if truth.shape != forged.shape:
        raise ValueError(
            f'{path}: the mask to compare with is of shape {truth.shape}, the predicted one {forged.shape}: '
            'put LoadForgeryMask behind Resize in the test pipeline, so that it keeps the size of the picture'
        )
    if len(logits) != 2:
        raise ValueError(f'{path}: seg_logits has {len(logits)} channels: set out_channels=2 in the decode_head')
    return truth, forged == 1, logits.float().softmax(0)[1].cpu().numpy()


def group(results: Sequence[dict]) -> dict[str, list[dict]]:
    """Pictures by data set and by kind in a set: ``''`` is all of them, then ``<set>`` and ``<set>/<kind>``."""
    by_dataset: dict[str, list[dict]] = {}
    by_kind: dict[str, dict[str, list[dict]]] = {}
    for row in results:
        by_dataset.setdefault(row['dataset'], []).append(row)
        by_kind.setdefault(row['dataset'], {}).setdefault(row['kind'] or 'other', []).append(row)
    groups = {'': list(results)}
    for dataset in sorted(by_dataset):
        if len(by_dataset) > 1:
            groups[dataset] = by_dataset[dataset]
        if len(by_kind[dataset]) > 1:
            groups.update({f'{dataset}/{kind}'.strip('/'): rows for kind, rows in sorted(by_kind[dataset].items())})
    return groups


def _write_mask(path: Path, forged: np.ndarray) -> None:
    """Write a mask PNG, white = forged."""
    with written_whole(path) as part:
        if not cv2.imwrite(str(part), forged.astype(np.uint8) * 255):
            raise OSError(f'cannot write {path}')


def read_rows(path: str | Path) -> list[dict]:
    """Read the ``pictures.csv`` of a test.

    Args:
        path (str | Path): The file.

    Returns:
        list[dict]: A row a picture, as :func:`average` takes it.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    with Path(path).open(newline='', encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    return [
        {key: float(value) if key in SCORES else value for key, value in row.items()}
        | {'is_pristine': row['is_pristine'] == 'True'}
        for row in rows
    ]


def _write_rows(path: Path, results: Sequence[dict]) -> None:
    """Write a CSV with a row a picture."""
    with written_whole(path) as part, part.open('w', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, fieldnames=list(results[0]))
        writer.writeheader()
        writer.writerows(results)
