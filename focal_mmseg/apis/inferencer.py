"""One image in; mask, score map and summary out."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast, overload

import cv2
import numpy as np
import torch
from mmengine.dataset import Compose, pseudo_collate
from mmseg.apis import init_model
from mmseg.structures import SegDataSample
from PIL import Image, ImageOps

from focal_mmseg.datasets.any_image import enable_any_image
from focal_mmseg.engine.checkpoint import load_to_test, load_weights, require_source
from focal_mmseg.utils import MAPS, check_image_size, override, read_config, require_device
from focal_mmseg.weights import DEFAULT, find_config

from .calibration import compute_margin, find_calibration
from .prediction import Prediction

# Numbers of clusters in an image of 8 bits.
LAST_CLUSTER = 255
# Images that an accelerator takes at once.
BATCH_SIZE = 8

Source = str | Path | bytes | Image.Image | np.ndarray


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
            is forged. ``'none'`` leaves the model as it is. Defaults to the one that ships with the network; a model
            that it was not made for, as of another gate, goes without, with a warning.
        keep_embeddings (bool): Whether predictions get the ``embeddings`` that were clustered, up to 64 MiB an image.
            Defaults to True.

    Raises:
        ConfigError: If an option would change nothing, or there is no such device.
        FileNotFoundError: If config, checkpoint or calibration is missing.
        ValueError: If the checkpoint is missing from the call, cannot be read or is of another model, the model
            gives other than two channels, or the calibration is of another model.

    Attributes:
        model (BaseSegmentor): The model.
        color_type (str): How a file is decoded, as mmcv names it: whether turned by its EXIF orientation, for one.
        calibration (Calibration | None): Of its predictions.

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
        keep_embeddings: bool = True,
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
        if hasattr(getattr(self.model, 'decode_head', None), 'keep_embeddings'):
            self.model.decode_head.keep_embeddings = keep_embeddings
        if weights is not None:
            load_to_test(self.model, weights, f'the checkpoint {checkpoint}')
        self.calibration = find_calibration(calibration, config, checkpoint, cfg_options)
        if self.calibration is not None:
            self.calibration.attach(self.model)
        load, *prepare = enable_any_image(cfg.test_pipeline)
        self.color_type = load.get('color_type', 'color')
        self._from_file = Compose([load, *prepare])
        self._from_array = Compose([{**load, 'type': 'LoadImageFromNDArray'}, *prepare])

    @overload
    def __call__(self, image: Source, batch_size: int | None = None) -> Prediction: ...

    @overload
    def __call__(self, image: list[Any] | tuple[Any, ...], batch_size: int | None = None) -> list[Prediction]: ...

    @torch.no_grad()
    def __call__(
        self, image: Source | Sequence[Source], batch_size: int | None = None
    ) -> Prediction | list[Prediction]:
        """Localise the forged regions of one image, or of several.

        Args:
            image (str | Path | bytes | PIL.Image.Image | np.ndarray | Sequence): A file; the bytes of one; a PIL
                image, turned by its EXIF orientation; or uint8 **BGR** of shape (H, W, 3), as OpenCV reads. Or a list
                of them. A network that reads JPEG files, as ``focal_lite``, finds their traces in a file and in bytes
                alone: PIL images and arrays are pixels, which it takes for an image that was saved at quality 100.
            batch_size (int, optional): Most images of a list that go through the network at once; those that follow
                each other and have one size do. Defaults to 8 on an accelerator, 1 on a processor.

        Returns:
            Prediction | list[Prediction]: At each image's own size; a list for a list, in its order.

        Raises:
            FileNotFoundError: If there is no such file.
            TypeError: If an image is none of these.
            ValueError: If a file is no image or truncated, an array has another form, or ``batch_size`` is below 1.
        """
        if not isinstance(image, list | tuple):
            return self._predict([cast(Source, image)])[0]
        if batch_size is None:
            batch_size = 1 if next(self.model.parameters(), torch.empty(0)).device.type == 'cpu' else BATCH_SIZE
        if batch_size < 1:
            raise ValueError(f'batch_size must be at least 1, got {batch_size}')
        batches = (image[start : start + batch_size] for start in range(0, len(image), batch_size))
        return [each for batch in batches for each in self._predict(batch)]

    def _predict(self, images: Sequence[Source]) -> list[Prediction]:
        """Predict the images of a batch, those of one size together."""
        start = time.perf_counter()
        sources = [_as_pixels(each) if isinstance(each, Image.Image) else each for each in images]
        with temporary_files(sources) as files:
            loaded = [self._load(each) for each in files]
            groups = [list(group) for _, group in groupby(loaded, key=lambda each: tuple(each['inputs'].shape))]
            samples = [sample for group in groups for sample in self.model.test_step(pseudo_collate(group))]
        seconds = (time.perf_counter() - start) / len(images)
        return [self._prediction(*each, seconds) for each in zip(samples, sources, strict=True)]

    def _prediction(self, sample: SegDataSample, source: str | Path | bytes | np.ndarray, seconds: float) -> Prediction:
        """What a data sample says."""
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
        summary['seconds'] = round(seconds, 3)
        maps = {name: sample.get(name).data.squeeze(0).float().cpu().numpy() for name in MAPS if name in sample}
        clusters = cluster_image(sample, forged)
        sources = [] if clusters is None else describe_sources(sample, clusters)
        labels = sample.pred_clusters.data[0].cpu().numpy() if 'pred_clusters' in sample else None
        embeddings = sample.embeddings.data.float().cpu().numpy() if 'embeddings' in sample else None
        mask = forged.astype(np.uint8) * 255
        return Prediction(
            mask, score, summary, maps, clusters, sources, labels, embeddings, source, color_type=self.color_type
        )

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
        return compute_margin(sample).cpu().numpy(), float(sample.image_score) if 'image_score' in sample else None

    def _sample(self, image: Source) -> SegDataSample:
        """What the model predicts."""
        with temporary_files([image]) as (file,):
            return self.model.test_step(pseudo_collate([self._load(file)]))[0]

    def _load(self, image: str | Path | np.ndarray) -> dict:
        """Run the test pipeline."""
        if isinstance(image, np.ndarray):
            if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
                raise ValueError(f'expected a uint8 array (H, W, 3), got {image.dtype} {image.shape}')
            return self._from_array(dict(img=image))
        if not isinstance(image, str | Path):
            raise TypeError(f'expected a path, bytes, a PIL image or an array, got {type(image).__name__}')
        if not Path(image).is_file():
            raise FileNotFoundError(f'the image {image} does not exist')
        check_image_size(image)
        try:
            return self._from_file(dict(img_path=str(image)))
        except (AssertionError, OSError, cv2.error) as error:
            raise ValueError(f'the image {image} cannot be read: it is no image, or truncated ({error})') from error


@contextmanager
def temporary_files(images: Sequence[Source]) -> Iterator[list[str | Path | np.ndarray]]:
    """Images as pipelines read them: bytes become files, because members of a fusion and loaders of JPEG read files.

    Args:
        images (Sequence): See :meth:`FOCALInferencer.__call__`.

    Yields:
        list[str | Path | np.ndarray]: One an image. The files are gone afterwards.

    Raises:
        ValueError: Of what was raised about such a file, without its name.
    """
    files, folder = [], None
    with ExitStack() as stack:
        for number, image in enumerate(images):
            if isinstance(image, bytes):
                folder = folder or stack.enter_context(TemporaryDirectory(prefix='focal_mmseg-'))
                file = Path(folder, f'image {number}')
                file.write_bytes(image)
                image = file
            files.append(_as_pixels(image) if isinstance(image, Image.Image) else image)
        try:
            yield files
        except ValueError as error:
            if folder is None:
                raise
            place = f'{folder}{os.sep}'
            raise ValueError(str(error).replace(f'the image {place}', '').replace(place, '')) from error


def _as_pixels(image: Image.Image) -> np.ndarray:
    """uint8 BGR of shape (H, W, 3)."""
    return np.ascontiguousarray(np.asarray(ImageOps.exif_transpose(image).convert('RGB'))[..., ::-1])


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
