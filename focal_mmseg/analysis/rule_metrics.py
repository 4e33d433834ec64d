"""What a rule finds at levels of false alarms, each by one threshold for all images of a set."""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from focal_mmseg.evaluation.counts import Counts
from focal_mmseg.evaluation.operating import operating_curve, resampled_operating_metrics
from focal_mmseg.evaluation.pooling import score_histogram
from focal_mmseg.evaluation.ranking import curve_metrics

from .clustered_image import ClusteredImage
from .gate_rules import Rule

LEVELS = (0.1, 0.05, 0.02, 0.01)
# Below, evidence counts as none.
LEAST = 1e-5
# Any scale will do: a threshold is set for each rule.
HALF = 0.1
DRAWS = 500


def pixel_scores(rule: Rule, image: ClusteredImage) -> np.ndarray:
    """Evidence of a rule at the image's own size, as a score: evidence / (evidence + 0.1).

    Evidence of points is resized as the head does it, by the score's logit; of clusters by their outline.

    Returns:
        np.ndarray: float64 of shape (H, W) in [0, 1].
    """
    plane = image.to_map(rule.evidence(image)).clip(0)
    height, width = image.image.truth.shape
    if rule.is_hard:
        inside = cv2.resize((plane > 0).astype(np.float32), (width, height)) > 0.5
        # A cell without evidence takes that of the cluster around.
        filled = np.where(plane > 0, plane, cv2.dilate(plane, np.ones((3, 3), np.uint8)))
        found = cv2.resize(filled, (width, height), interpolation=cv2.INTER_NEAREST_EXACT) * inside
        logit = np.log(found.clip(LEAST))
    else:
        logit = cv2.resize(np.log(plane.clip(LEAST)), (width, height))
    return 1 / (1 + np.exp(math.log(HALF) - logit.astype(np.float64)))


def compute_image_row(rule: Rule, image: ClusteredImage) -> dict:
    """What is kept of an image: how its pixels rank, and for a gate what its clusterer finds alone."""
    truth = image.image.truth
    histogram = score_histogram(pixel_scores(rule, image).ravel(), truth.ravel())
    row = dict(is_pristine=not truth.any(), histogram=histogram)
    # NaN of a pristine image.
    row['auc'] = curve_metrics(*histogram.cumsum(1))['auc']
    if rule.alone:
        mask = cv2.resize(image.to_map(image.found(rule.alone).score), truth.shape[::-1]) > 0.5
        row['own_iou'] = Counts.from_masks(mask, truth).iou if truth.any() else math.nan
        row['own_false_alarm'] = math.nan if truth.any() else float(mask.mean())
    return row


def compute_rule_metrics(rows: Sequence[dict], default: Sequence[dict]) -> dict[str, float]:
    """The metrics of a rule on a set; NaN where it has none.

    Args:
        rows (Sequence[dict]): Of :func:`compute_image_row`, one an image.
        default (Sequence[dict]): Those of the rule that it is compared with, of the same images.

    Returns:
        dict[str, float]: ``auc`` of the pixels, the mean over forged images; ``iou_at_<level>``; ``gain_low`` and
        ``gain_high``, the 95 % interval of what it gains over the default in IoU at 5 %, by images drawn anew;
        ``own_iou`` and ``own_false_alarm`` of the clusterer alone.
    """
    curve = operating_curve(rows)
    if curve is None:
        raise ValueError('a set needs forged and pristine images')
    found = dict(auc=float(np.nanmean([row['auc'] for row in rows])))
    found |= {f'iou_at_{level}': curve.metrics_at(level)['iou'] for level in LEVELS}
    draws = np.random.default_rng(0).multinomial(len(rows), [1 / len(rows)] * len(rows), DRAWS).astype(float)
    gains = resampled_operating_metrics(rows, draws)['iou'] - resampled_operating_metrics(default, draws)['iou']
    found['gain_low'], found['gain_high'] = np.nanpercentile(gains, (2.5, 97.5)).tolist()
    for name in ('own_iou', 'own_false_alarm'):
        found[name] = float(np.nanmean([row[name] for row in rows])) if name in rows[0] else math.nan
    return found
