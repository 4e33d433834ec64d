"""False alarms at the level that the user sets: a threshold from pristine images, with a guarantee for finite samples.

The margin of a pixel is the difference of its two logits, forged less pristine: the logit of its forged score. A
calibration moves the place where a pixel counts as forged from 0 to a margin that pristine images set:

- of images, by split conformal prediction (Vovk, Gammerman and Shafer, 2005; Papadopoulos et al., 2002): at most the
  level of pristine images has any pixel called forged;
- of pixels, by conformal risk control (Angelopoulos, Bates, Fisch, Lei and Schuster, 2022): at most the level, in the
  mean over pristine images, of an image's pixels is called forged.

The image score of a model that gives one moves too, whichever of the two the level is of: by split conformal prediction
at most the level of pristine images has a calibrated image score above 1/2.

All hold in the mean over calibrations, for images that are exchangeable with those of the calibration.
docs/guide/metrics.md says what that leaves out.
"""

import json
import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn
from torch.nn import functional as F  # noqa: N812

from focal_mmseg import __version__
from focal_mmseg.engine.checkpoint import digest
from focal_mmseg.utils import atomic_write, read_config
from focal_mmseg.weights import find_config, shipped_calibration

METHODS = {'pixels': 'conformal risk control', 'images': 'split conformal prediction'}
# Margins of pixels are told apart in steps of 1/128 of the score's logit, up to 32: a float32 score next to 1 has no
# digits beyond 17.
STEPS, MOST = 128, 32
# An image score of 0 or 1 has no logit.
NEXT_TO_0 = 1e-9
# In place of a calibration's file: leave the model as it is.
NO_CALIBRATION = 'none'
# Keys of a model's config that change nothing once it has weights.
OF_TRAINING = ('auxiliary_head', 'init_cfg', 'loss_decode', 'pretrained', 'train_cfg')


def images_needed(level: float) -> int:
    """The fewest pristine images that a level can be guaranteed with, by images or by pixels: 99 for 0.01.

    Args:
        level (float): In (0, 1).
    """
    return math.ceil(1 / level - 1e-9) - 1


def require_level(level: float) -> None:
    """Refuse a level that is none.

    Raises:
        ValueError: If it is not in (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f'the level of false alarms must be in (0, 1), as 0.05 for 5 %, got {level}')


def conformal_quantile(values: Sequence[float], level: float) -> float:
    """What at most the level of values to come exceeds: the ceil((n + 1) (1 - level))-th of n exchangeable ones.

    Args:
        values (Sequence[float]): At least :func:`images_needed` of them.
        level (float): In (0, 1).
    """
    rank = math.ceil((len(values) + 1) * (1 - level) - 1e-9)
    return sorted(values)[max(rank, 1) - 1]


def score_to_logit(score: float) -> float:
    """The logit of an image score in [0, 1], finite."""
    score = min(max(score, NEXT_TO_0), 1 - NEXT_TO_0)
    return math.log(score) - math.log1p(-score)


class PristineMargins:
    """Keeps of pristine images what a calibration needs: memory does not grow with their pixels.

    Attributes:
        highest (list[float]): The highest margin of each image.
        image_logits (list[float]): The logit of each image's own score, of those that have one.
    """

    def __init__(self) -> None:
        self.highest: list[float] = []
        self.image_logits: list[float] = []
        # For each step of the margin, the sum over images of the share of pixels in it.
        self._shares = np.zeros(2 * MOST * STEPS + 1)

    def add(self, margin: np.ndarray, image_score: float | None = None) -> None:
        """Take note of an image.

        Args:
            margin (np.ndarray): float of shape (H, W).
            image_score (float, optional): In [0, 1], of a model that scores an image as a whole. Defaults to None.

        Raises:
            ValueError: If it has no pixel, or a number is NaN.
        """
        if not margin.size or np.isnan(margin).any() or (image_score is not None and math.isnan(image_score)):
            raise ValueError('the image has no pixel, or its logits are NaN: did the training diverge?')
        if image_score is not None:
            self.image_logits.append(score_to_logit(image_score))
        margin = margin.astype(np.float64).ravel()
        self.highest.append(float(margin.max()))
        # Step k holds the margins in ((k - 1) / STEPS, k / STEPS], so that those above a threshold are counted exactly.
        steps = np.ceil(margin * STEPS).clip(-MOST * STEPS, MOST * STEPS).astype(np.int64) + MOST * STEPS
        self._shares += np.bincount(steps, minlength=len(self._shares)) / margin.size

    def false_alarms(self) -> np.ndarray:
        """At each threshold ``(k / STEPS) - MOST``: the mean share of an image's pixels above it, falling, (K,)."""
        above = np.append(self._shares[::-1].cumsum()[::-1][1:], 0.0)
        return above.clip(0) / max(1, len(self.highest))

    def threshold(self, level: float, of: str) -> float:
        """The lowest margin that keeps false alarms at a level.

        Args:
            level (float): In (0, 1).
            of (str): ``'pixels'`` or ``'images'``.

        Returns:
            float: Pixels of a higher margin count as forged.

        Raises:
            ValueError: If the level or ``of`` is none, or there are too few images for the level.
        """
        require_level(level)
        if of not in METHODS:
            raise ValueError(f'of must be one of {tuple(METHODS)}, got {of!r}')
        number = len(self.highest)
        if number < images_needed(level):
            raise ValueError(
                f'a level of {level:g} needs at least {images_needed(level)} pristine images, got {number}: give more, '
                f'or a level of at least {1 / (number + 1):.2g}'
            )
        if of == 'images':
            return conformal_quantile(self.highest, level)
        # The image to come counts as if it were called forged all over.
        bound = (number * self.false_alarms() + 1) / (number + 1)
        return float(np.flatnonzero(bound <= level + 1e-12)[0]) / STEPS - MOST

    def image_threshold(self, level: float) -> float | None:
        """The logit that at most the level of pristine images' own scores exceeds; None unless all images have one."""
        if len(self.image_logits) != len(self.highest):
            return None
        return conformal_quantile(self.image_logits, level)


@dataclass(frozen=True)
class Calibration:
    """A threshold for one model.

    Attributes:
        of (str): What the level is a share of: ``'pixels'`` or ``'images'``.
        level (float): Of false alarms, in (0, 1).
        margin (float): Pixels of a higher margin are forged.
        images (int): Pristine images that it was found on.
        method (str): A value of ``METHODS``.
        weights (str): Checksum of the weights (SHA-256).
        config (str): Checksum of what the config says of the model at test time.
        version (str): Of this package.
        image_margin (float | None): The logit that becomes an image score of 1/2; None leaves image scores as they are,
            of a model that gives none or a file of version 0.2.
    """

    of: str
    level: float
    margin: float
    images: int
    method: str
    weights: str
    config: str
    version: str = __version__
    image_margin: float | None = None

    @classmethod
    def from_margins(cls, margins: PristineMargins, level: float, of: str, model: Mapping[str, str]) -> 'Calibration':
        """Calibrate.

        Args:
            margins (PristineMargins): Of the pristine images.
            level (float): See :meth:`PristineMargins.threshold`.
            of (str): See there.
            model (Mapping[str, str]): Of :func:`fingerprint`.

        Raises:
            ValueError: See :meth:`PristineMargins.threshold`.
        """
        margin = margins.threshold(level, of)
        image_margin = margins.image_threshold(level)
        return cls(of, level, margin, len(margins.highest), METHODS[of], **model, image_margin=image_margin)

    @classmethod
    def read(cls, path: str | Path) -> 'Calibration':
        """Read the file that :meth:`write` writes.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is none of a calibration.
        """
        if not Path(path).is_file():
            raise FileNotFoundError(f'the calibration {path} does not exist')
        try:
            found = cls(**json.loads(Path(path).read_text(encoding='utf-8')))
            require_level(found.level)
            thresholds = [found.margin, *([] if found.image_margin is None else [found.image_margin])]
            right = found.of in METHODS and all(map(math.isfinite, thresholds))
            right = right and found.images >= images_needed(found.level)
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError(f'{path} is no calibration that tools/calibrate.py wrote: {error}') from error
        texts = all(isinstance(getattr(found, each.name), str) for each in fields(found) if each.type is str)
        if not right or not texts:
            raise ValueError(f'{path} is no calibration that tools/calibrate.py wrote: its values do not fit together')
        return found

    def write(self, path: str | Path) -> None:
        """Write a JSON file."""
        with atomic_write(path) as part:
            part.write_text(json.dumps(asdict(self), indent=2) + '\n', encoding='utf-8')

    def require_model(self, model: Mapping[str, str], source: str | Path) -> None:
        """Refuse another model than it was found with.

        Args:
            model (Mapping[str, str]): Of :func:`fingerprint`.
            source (str | Path): The calibration's file, for the message.

        Raises:
            ValueError: If weights or config differ.
        """
        other = self.differing(model)
        if other:
            raise ValueError(
                f'the calibration {source} is of other {other}: its threshold means nothing for this '
                'model. Calibrate it by tools/calibrate.py, with the same --cfg-options'
            )

    def differing(self, model: Mapping[str, str]) -> str:
        """What another model has not in common with that of the calibration, in words; empty where nothing.

        Args:
            model (Mapping[str, str]): Of :func:`fingerprint`.
        """
        return ' and '.join(name for name in ('weights', 'config') if getattr(self, name) != model[name])

    @property
    def score(self) -> float:
        """The margin as a score of the model as it is without the calibration, in [0, 1]."""
        return 0.5 + 0.5 * math.tanh(self.margin / 2)

    @property
    def image_threshold(self) -> float | None:
        """``image_margin`` as an image score of the model as it is without the calibration, in [0, 1]."""
        return None if self.image_margin is None else 0.5 + 0.5 * math.tanh(self.image_margin / 2)

    def measure_false_alarms(self, margins: PristineMargins) -> float:
        """The false alarms at this threshold on other pristine images: the share of what the level is of."""
        if self.of == 'images':
            return float(np.mean(np.array(margins.highest) > self.margin))
        return float(margins.false_alarms()[round((self.margin + MOST) * STEPS)])

    def measure_image_false_alarms(self, margins: PristineMargins) -> float | None:
        """The share of other pristine images whose own score is above the threshold; None without such scores."""
        if self.image_margin is None or not margins.image_logits:
            return None
        return float(np.mean(np.array(margins.image_logits) > self.image_margin))

    def __str__(self) -> str:
        return f'{100 * self.level:.3g} % of {self.of} ({self.method}, {self.images} pristine images)'

    def image_score(self, score: float) -> float:
        """An image score of the model, calibrated: its logit less ``image_margin``.

        The order of images stays. Above 1/2 are at most the level of pristine images.

        Args:
            score (float): In [0, 1].
        """
        if self.image_margin is None:
            return score
        return 0.5 + 0.5 * math.tanh((score_to_logit(score) - self.image_margin) / 2)

    def apply(self, sample: SegDataSample) -> SegDataSample:
        """Decide anew which pixels of a prediction are forged.

        Args:
            sample (SegDataSample): With ``seg_logits`` of shape (2, H, W).

        Returns:
            SegDataSample: The same, with ``seg_logits`` (the logarithms of scores that are above 1/2 where forged),
            ``pred_sem_seg`` and, where there is one, ``image_score`` changed.
        """
        margin = compute_margin(sample) - self.margin
        sample.set_data(
            dict(
                seg_logits=PixelData(data=torch.stack([F.logsigmoid(-margin), F.logsigmoid(margin)])),
                pred_sem_seg=PixelData(data=(margin > 0).long()[None]),
            )
        )
        if 'image_score' in sample:
            sample.set_field(self.image_score(float(sample.image_score)), 'image_score')
        return sample

    def attach(self, model: nn.Module) -> None:
        """From here on have a segmentor's predictions calibrated.

        Args:
            model (nn.Module): Of mmseg, unwrapped.
        """
        model.register_forward_hook(self._after_forward, with_kwargs=True)

    def _after_forward(self, model: nn.Module, args: tuple, kwargs: dict[str, Any], output: Any) -> Any:
        mode = kwargs.get('mode', args[2] if len(args) > 2 else 'tensor')
        return [self.apply(sample) for sample in output] if mode == 'predict' else output


def compute_margin(sample: SegDataSample) -> torch.Tensor:
    """How far each pixel is on the forged side: float32 of shape (H, W), above 0 where the model calls it forged.

    Raises:
        ValueError: If ``seg_logits`` has other than two channels.
    """
    logits = sample.seg_logits.data.float()
    if len(logits) != 2:
        raise ValueError(f'seg_logits has {len(logits)} channels, where pristine and forged are wanted')
    return logits[1] - logits[0]


def find_calibration(
    given: str | Path | None,
    config: str | Path,
    checkpoint: str | Path | None,
    options: Mapping[str, Any] | None = None,
    unfit: str | None = None,
) -> Calibration | None:
    """The calibration of a model: the one that a user gave, or the one that ships with the network.

    The latter is taken only for the very model that it was made for. For any other whose config names the network that
    ships, a warning says why it is not.

    Args:
        given (str | Path, optional): A file of ``tools/calibrate.py``, or ``'none'``, which leaves the model as it is.
            None takes the one that ships.
        config (str | Path): Config file, or the name of one of this project's.
        checkpoint (str | Path, optional): Its weights.
        options (Mapping[str, Any], optional): Overrides of the config.
        unfit (str, optional): Why no calibration can hold, whatever the model. Defaults to None.

    Returns:
        Calibration | None: None if there is none.

    Raises:
        FileNotFoundError: If the file that was given, or the config, does not exist.
        ValueError: If it is none of a calibration, or of another model; or none can hold.
    """
    if given == NO_CALIBRATION:
        return None
    path, config = given, find_config(config)
    if path is None:
        path = shipped_calibration(checkpoint) or shipped_calibration(read_config(config).get('weights'))
    if path is None:
        return None
    found = Calibration.read(path)
    model = fingerprint(config, checkpoint, options)
    if given is not None:
        found.require_model(model, path)
        if unfit:
            raise ValueError(unfit)
        return found
    other = found.differing(model)
    if other or unfit:
        why = unfit or f'it is of other {other}'
        warnings.warn(
            f'the calibration that ships with {Path(path).stem} is not used: {why}. So the level of false alarms is '
            'not known; tools/calibrate.py sets one',
            stacklevel=3,
        )
        return None
    return found


def fingerprint(
    config: str | Path, checkpoint: str | Path | None, options: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Checksums of what a model's scores depend on.

    Args:
        config (str | Path): Config file.
        checkpoint (str | Path, optional): Its weights.
        options (Mapping[str, Any], optional): Overrides of the config.

    Returns:
        dict[str, str]: ``weights`` and ``config``. Of the config count ``model`` and ``test_pipeline``, without what
        only a training needs; of a fusion those of its members too.
    """
    cfg = read_config(config)
    cfg.merge_from_dict(dict(options or {}))
    members = cfg.model.get('members', [])
    configs = [cfg, *(read_config(each.config) for each in members)]
    files = [checkpoint, *(each.checkpoint for each in members)]
    parts = [[_drop_training_keys(each.model), _drop_training_keys(each.get('test_pipeline'))] for each in configs]
    return dict(weights=_hash_json(None if each is None else digest(each) for each in files), config=_hash_json(parts))


def _drop_training_keys(part: Any) -> Any:
    """A part of a config without what only a training needs, nor the paths of members."""
    if isinstance(part, Mapping):
        return {
            key: _drop_training_keys(value) for key, value in part.items() if key not in (*OF_TRAINING, 'checkpoint')
        }
    return [_drop_training_keys(each) for each in part] if isinstance(part, list | tuple) else part


def _hash_json(content: Iterable[Any]) -> str:
    return sha256(json.dumps(list(content), sort_keys=True, default=repr).encode()).hexdigest()
