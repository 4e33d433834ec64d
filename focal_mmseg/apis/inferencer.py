"""One image in; mask, score map and summary out."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.dataset import Compose, pseudo_collate
from mmseg.apis import init_model
from mmseg.structures import SegDataSample

from focal_mmseg.datasets.any_image import reading_any_image
from focal_mmseg.engine.checkpoint import load_to_test, load_weights, require_source
from focal_mmseg.utils import MAPS, check_image_size, override, read_config, require_device
from focal_mmseg.weights import DEFAULT, find_config

from .calibration import Calibration, fingerprint, margin_of

# Numbers of clusters in an image of 8 bits.
LAST_CLUSTER = 255


@dataclass(frozen=True)
class Prediction:
    """What a model says of one image.

    Attributes:
        mask (np.ndarray): uint8 of shape (H, W), the image's size: 255 forged, 0 pristine.
        score (np.ndarray): float32 of shape (H, W) in [0, 1]: higher means more likely forged.
        summary (dict): ``width``, ``height``, ``forged_share`` of the pixels, ``clusters`` found and ``noise_share`` of
            the embeddings (these two of FOCAL networks only; the mean over the members of a fusion that clusters each),
            ``image_score`` in [0, 1], higher for a forged image (of models that give one), ``calibration`` where
            there is one, ``seconds`` for all but the start of the model.
        maps (dict): What else the model says of every pixel, float32 of shape (H, W) in [0, 1] each, by the names of
            ``focal_mmseg.utils.MAPS``: ``confidence`` in the mask, of TruFor; ``edge`` of forged regions, of MVSS-Net.
            Mostly empty.
        clusters (np.ndarray | None): uint8 of shape (H, W): 0 where the mask is pristine, else the number of the
            cluster that the pixel's embedding is of, or nearest to: 1 the largest of those that are not pristine, 255
            all from the 255th on. Regions of several sources have several numbers. None where nothing was clustered,
            or several maps of the image were.
        sources (list[dict]): For each of these numbers, in its order: ``cluster``, ``share`` of the pixels,
            ``distance`` of its centre from the pristine one (Euclidean, in [0, 2]) and, of HDBSCAN, the mean
            ``probability``.
    """

    mask: np.ndarray
    score: np.ndarray
    summary: dict[str, Any]
    maps: dict[str, np.ndarray] = field(default_factory=dict)
    clusters: np.ndarray | None = None
    sources: list[dict[str, float]] = field(default_factory=list)


def model_source(config: str | Path | None, checkpoint: str | Path | None) -> tuple[Path, str | Path | None]:
    """Config file and weights for what a user gave, or left out.

    Args:
        config (str | Path, optional): A file, or the name of a config of this project. None means the one of the
            network that ships.
        checkpoint (str | Path, optional): None means the ``weights`` that the config names, if it does.

    Raises:
        FileNotFoundError: If there is no such config.
        ValueError: If a checkpoint is given without its config.
    """
    if config is None and checkpoint is not None:
        raise ValueError(f'the checkpoint {checkpoint} needs the config that it was trained with: give both')
    found = find_config(DEFAULT if config is None else config)
    return found, checkpoint or read_config(found).get('weights')


class FOCALInferencer:
    """Runs a config's model with a checkpoint's weights on images, without any ground truth.

    The model is one of FOCAL, or any segmentor of mmseg that gives two channels, pristine and forged.

    Args:
        config (str | Path, optional): Config file, or the name of one of this project's; its ``test_pipeline`` prepares
            the image. Defaults to ``focal_lite``, the network that ships.
        checkpoint (str | Path, optional): Its weights, read without running code from the file. Defaults to those that
            the config names as its ``weights``. Only a fusion, whose members name theirs, and what has no parameters go
            without.
        device (str, optional): Defaults to ``'cuda'`` where there is one, else ``'cpu'``.
        cfg_options (dict, optional): Overrides, as ``{'model.decode_head.clusterer.noise': 'pristine'}``.
        calibration (str | Path, optional): A file of ``tools/calibrate.py``, of this model: its threshold decides what
            is forged. Defaults to None.

    Raises:
        ConfigError: If an option would change nothing, or there is no such device.
        FileNotFoundError: If config, checkpoint or calibration is missing.
        ValueError: If the checkpoint is missing from the call, cannot be read or is of another model, the model
            gives other than two channels, or the calibration is of another model.

    Attributes:
        model (BaseSegmentor): The model.
        color_type (str): How a file is decoded, as mmcv names it: whether turned by its EXIF orientation, for one.

    Example:
        >>> focal = FOCALInferencer()  # doctest: +SKIP
        >>> prediction = focal('photo.jpg')  # doctest: +SKIP
    """

    def __init__(
        self,
        config: str | Path | None = None,
        checkpoint: str | Path | None = None,
        device: str | None = None,
        cfg_options: dict[str, Any] | None = None,
        calibration: str | Path | None = None,
    ) -> None:
        device = require_device(device or ('cuda' if torch.cuda.is_available() else 'cpu'))
        config, checkpoint = model_source(config, checkpoint)
        cfg = read_config(config)
        override(cfg, cfg_options or {})
        require_source(cfg.model, checkpoint)
        weights = None if checkpoint is None else load_weights(checkpoint)
        self.model = init_model(cfg, None, device)
        channels = getattr(self.model, 'out_channels', 2)
        if channels != 2:
            raise ValueError(
                f'{type(self.model).__name__} gives {channels} channels where pristine and forged are wanted: set '
                'num_classes=2 and out_channels=2 in its decode_head'
            )
        if weights is not None:
            load_to_test(self.model, weights, f'the checkpoint {checkpoint}')
        self.calibration = None if calibration is None else Calibration.read(calibration)
        if self.calibration is not None:
            self.calibration.require_model(fingerprint(config, checkpoint, cfg_options), calibration)
            self.calibration.attach(self.model)
        load, *prepare = reading_any_image(cfg.test_pipeline)
        self.color_type = load.get('color_type', 'color')
        self._from_file = Compose([load, *prepare])
        self._from_array = Compose([{**load, 'type': 'LoadImageFromNDArray'}, *prepare])

    @torch.no_grad()
    def __call__(self, image: str | Path | np.ndarray) -> Prediction:
        """Localise the forged regions of one image.

        Args:
            image (str | Path | np.ndarray): A file, or uint8 BGR of shape (H, W, 3) as OpenCV reads.

        Returns:
            Prediction: At the image's own size.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is no image or truncated, or the array has another form.
        """
        start = time.perf_counter()
        sample = self._sample(image)
        score = sample.seg_logits.data.softmax(0)[1].float().cpu().numpy()
        forged = sample.pred_sem_seg.data.squeeze(0).cpu().numpy() == 1
        summary = dict(width=score.shape[1], height=score.shape[0], forged_share=round(float(forged.mean()), 6))
        if 'num_clusters' in sample:
            summary['clusters'] = sample.num_clusters
            summary['noise_share'] = round(sample.noise_share, 6)
        if 'image_score' in sample:
            summary['image_score'] = round(float(sample.image_score), 6)
        if self.calibration is not None:
            summary['calibration'] = str(self.calibration)
        summary['seconds'] = round(time.perf_counter() - start, 3)
        maps = {name: sample.get(name).data.squeeze(0).float().cpu().numpy() for name in MAPS if name in sample}
        clusters = cluster_image(sample, forged)
        sources = [] if clusters is None else describe_sources(sample, clusters)
        return Prediction(forged.astype(np.uint8) * 255, score, summary, maps, clusters, sources)

    @torch.no_grad()
    def margin(self, image: str | Path | np.ndarray) -> np.ndarray:
        """How far each pixel is on the forged side: the logit of its score, without the rounding of the score.

        Args:
            image (str | Path | np.ndarray): See :meth:`__call__`.

        Returns:
            np.ndarray: float32 of shape (H, W), above 0 where forged.

        Raises:
            FileNotFoundError: See :meth:`__call__`.
            ValueError: See there.
        """
        return self.margin_and_image_score(image)[0]

    @torch.no_grad()
    def margin_and_image_score(self, image: str | Path | np.ndarray) -> tuple[np.ndarray, float | None]:
        """What a calibration needs of an image: :meth:`margin`, and its score as a whole.

        Args:
            image (str | Path | np.ndarray): See :meth:`__call__`.

        Returns:
            tuple[np.ndarray, float | None]: The margin, and the image score in [0, 1] without the rounding of the
            summary; None of a model that gives none.

        Raises:
            FileNotFoundError: See :meth:`__call__`.
            ValueError: See there.
        """
        sample = self._sample(image)
        return margin_of(sample).cpu().numpy(), float(sample.image_score) if 'image_score' in sample else None

    def _sample(self, image: str | Path | np.ndarray) -> SegDataSample:
        """What the model predicts."""
        return self.model.test_step(pseudo_collate([self._load(image)]))[0]

    def _load(self, image: str | Path | np.ndarray) -> dict:
        """Run the test pipeline."""
        if isinstance(image, np.ndarray):
            if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
                raise ValueError(f'expected a uint8 array (H, W, 3), got {image.dtype} {image.shape}')
            return self._from_array(dict(img=image))
        if not Path(image).is_file():
            raise FileNotFoundError(f'the image {image} does not exist')
        check_image_size(image)
        try:
            return self._from_file(dict(img_path=str(image)))
        except (AssertionError, OSError, cv2.error) as error:
            raise ValueError(f'the image {image} cannot be read: it is no image, or truncated ({error})') from error


def cluster_image(sample: SegDataSample, forged: np.ndarray) -> np.ndarray | None:
    """The cluster of each forged pixel; see :class:`Prediction`.

    Args:
        sample (SegDataSample): A prediction; the cells of its ``pred_sources`` are taken to cover the image evenly.
        forged (np.ndarray): bool of shape (H, W).

    Returns:
        np.ndarray | None: uint8 of shape (H, W); None where the prediction has no ``pred_sources``.
    """
    if 'pred_sources' not in sample:
        return None
    cells = sample.pred_sources.data[0].clamp(max=LAST_CLUSTER).cpu().numpy().astype(np.uint8)
    clusters = cv2.resize(cells, forged.shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    return np.where(forged, clusters, 0).astype(np.uint8)


def describe_sources(sample: SegDataSample, clusters: np.ndarray) -> list[dict[str, float]]:
    """What is known of each cluster that forged pixels are of; see :class:`Prediction`.

    Args:
        sample (SegDataSample): A prediction with ``pred_clusters`` and ``cluster_distances``.
        clusters (np.ndarray): Of :func:`cluster_image`.
    """
    numbers, pixels = np.unique(clusters[clusters > 0], return_counts=True)
    sources = []
    for number, count in zip(numbers.tolist(), pixels.tolist(), strict=True):
        own = sample.pred_clusters.data == number
        source = dict(cluster=number, share=round(count / clusters.size, 6))
        # Without a cluster of that number the gate called outliers of the only cluster forged.
        if own.any():
            source['distance'] = round(sample.cluster_distances[number].item(), 6)
            if 'pred_probabilities' in sample:
                source['probability'] = round(sample.pred_probabilities.data[own].mean().item(), 6)
        sources.append(source)
    return sources
