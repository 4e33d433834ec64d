"""Masks and score maps that another tool wrote, scored as if a model had found them."""

from collections.abc import Sequence
from pathlib import Path
from string import Formatter

import cv2
import numpy as np
from mmseg.registry import MODELS
from mmseg.utils import OptSampleList, SampleList
from torch import Tensor

from focal_mmseg.datasets.forgery_dataset import FORGED_IS
from focal_mmseg.utils import read_image_score, read_score_map

from .as_loaded import ScoringSegmentor

PLACEHOLDERS = ('dataset', 'image', 'stem', 'name')
# float32 tells scores this far from 1/2 apart from it, as logarithms too.
BESIDE_HALF = 1e-6


@MODELS.register_module()
class ExternalMasks(ScoringSegmentor):
    """Reads, for each image, the file of its name in a folder: so any tool's own output gets the same metrics.

    Maps of another size than their image's are brought to it bilinearly.

    Args:
        folder (str): Where the files lie.
        pattern (str): An image's file in the folder. ``{dataset}`` and ``{image}`` are what the data set calls them
            (``image`` goes with its folders and without its ending: ``splice/00001``), ``{stem}`` is ``00001`` and
            ``{name}`` is ``00001.jpg``. TruFor's are ``'{name}.npz'``. Defaults to ``'{dataset}/{image}.png'``, as
            ``tools/test.py --out`` writes.
        key (str): Name of the array in an ``.npz``. Defaults to ``'map'``.
        forged_is (str): What forged is in the files, ``'white'`` (or 1) or ``'black'``. Defaults to ``'white'``.
        threshold (float): A pixel is forged above it, in (0, 1), where forged is 1 already. Another one than 1/2 shifts
            the scores, each side of it by a straight line, so that it becomes 1/2; their order stays. Defaults to 0.5.
        white (int, optional): See :func:`read_score_map`.
        score_key (str, optional): Name, in an ``.npz``, of the tool's own score in [0, 1] of the image as a whole,
            ``'score'`` for TruFor; becomes the ``image_score``. None leaves it to the metric. Defaults to None.
        train_cfg (None): See :class:`ScoringSegmentor`.
        pretrained (None): See :class:`ScoringSegmentor`.

    Raises:
        FileNotFoundError: If the folder does not exist.
        ValueError: If an option is out of its range, or the pattern has an unknown placeholder or none.
    """

    def __init__(
        self,
        folder: str,
        pattern: str = '{dataset}/{image}.png',
        key: str = 'map',
        forged_is: str = 'white',
        threshold: float = 0.5,
        white: int | None = None,
        score_key: str | None = None,
        train_cfg: None = None,
        pretrained: None = None,
    ) -> None:
        super().__init__(train_cfg, pretrained)
        if not Path(folder).is_dir():
            raise FileNotFoundError(f'the folder {folder} of masks does not exist: set model.folder')
        self.placeholders = {part for _, part, _, _ in Formatter().parse(pattern) if part is not None}
        if not self.placeholders or not self.placeholders <= set(PLACEHOLDERS):
            raise ValueError(f'pattern must have placeholders, of {PLACEHOLDERS}, got {pattern!r}')
        if forged_is not in FORGED_IS:
            raise ValueError(f'forged_is must be one of {FORGED_IS}, got {forged_is!r}')
        if not 0 < threshold < 1:
            raise ValueError(f'threshold must be above 0 and below 1, got {threshold}')
        if white is not None and not 1 <= white <= 65535:
            raise ValueError(f'white must be in 1..65535, got {white}')
        self.folder = Path(folder)
        self.pattern = pattern
        self.key = key
        self.forged_is = forged_is
        self.threshold = threshold
        self.white = white
        self.score_key = score_key

    def predict(self, inputs: Sequence[Tensor], data_samples: OptSampleList = None) -> SampleList:
        """See :meth:`AsLoadedSegmentor.predict`.

        Raises:
            FileNotFoundError: If an image has no file.
            ValueError: If its file cannot be used.
        """
        samples = super().predict(inputs, data_samples)
        if self.score_key is not None:
            for sample in samples:
                sample.set_field(read_image_score(self.find_path(sample.metainfo), self.score_key), 'image_score')
        return samples

    def score(self, image: np.ndarray, meta: dict) -> np.ndarray:
        """See :meth:`ScoringSegmentor.score`.

        Raises:
            FileNotFoundError: If the image has no file.
            ValueError: If its file cannot be read or used, lies outside the folder, or the image has no name.
        """
        path = self.find_path(meta)
        if not path.is_file():
            raise FileNotFoundError(
                f'{path}, the mask of {meta["img_path"]}, does not exist: check model.folder and model.pattern'
            )
        score = read_score_map(path, self.key, self.white).astype(np.float64)
        score = score if self.forged_is == 'white' else 1 - score
        score = _rescale_to_half(_resized(score, meta.get('ori_shape', image.shape[:2]), path), self.threshold)
        if meta.get('flip'):
            score = np.flip(score, 1 if meta['flip_direction'] == 'horizontal' else 0)
        return cv2.resize(np.ascontiguousarray(score), image.shape[1::-1], interpolation=cv2.INTER_LINEAR)

    def find_path(self, meta: dict) -> Path:
        """The file of an image.

        Args:
            meta (dict): With ``img_path``, and with ``dataset_name`` and ``image`` where the pattern wants them; an
                image that comes from no data set is called by its stem.

        Raises:
            ValueError: If a name is missing, or leads out of the folder.
        """
        if not meta.get('img_path'):
            raise ValueError('ExternalMasks finds a mask by the file name of its image: give a file, not an array')
        image = Path(meta['img_path'])
        names = dict(
            dataset=meta.get('dataset_name') or '',
            image=meta.get('image_name') or image.stem,
            stem=image.stem,
            name=image.name,
        )
        if 'dataset' in self.placeholders and not names['dataset']:
            raise ValueError(
                f'{image} comes from no data set, which the pattern {self.pattern!r} wants: set model.pattern, as '
                "'{image}.png', and have 'dataset_name' in the meta_keys of PackSegInputs"
            )
        found = Path(self.pattern.format(**names))
        if found.is_absolute() or '..' in found.parts:
            raise ValueError(f'the mask of {image} would lie outside {self.folder}, at {found}')
        return self.folder / found


def _resized(score: np.ndarray, shape: tuple[int, int], path: Path) -> np.ndarray:
    """A score map at the image's size, bilinear.

    Raises:
        ValueError: If it lies on its side.
    """
    height, width = shape[:2]
    if score.shape == (height, width):
        return score
    if score.shape == (width, height):
        raise ValueError(
            f'{path} is {height}x{width}, its image {width}x{height}: turn it; mmcv turns images by their EXIF '
            'orientation, which the other tool may have left'
        )
    return cv2.resize(score, (width, height), interpolation=cv2.INTER_LINEAR)


def _rescale_to_half(score: np.ndarray, threshold: float) -> np.ndarray:
    """Scores whose threshold is 1/2, so that exactly those above it are above 1/2."""
    above = score > threshold
    lower, upper = score / (2 * threshold), 0.5 + (score - threshold) / (2 * (1 - threshold))
    return np.where(above, np.maximum(upper, 0.5 + BESIDE_HALF), np.minimum(lower, 0.5))
