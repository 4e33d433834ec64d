"""What a model says of one image, and how it shows itself."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmcv.image import imfrombytes
from PIL import Image

from focal_mmseg.utils import MAPS, atomic_write, to_16_bits, write_image
from focal_mmseg.utils.image_files import decodable, image_bytes
from focal_mmseg.visualization import overlay_mask

# Of the view in a notebook, in pixels.
VIEW_HEIGHT = 320


@dataclass(frozen=True, repr=False)
class Prediction:
    """What a model says of one image. In a notebook it shows the image, the score map and the overlay.

    Attributes:
        mask (np.ndarray): uint8 of shape (H, W), the image's size: 255 forged, 0 pristine.
        score (np.ndarray): float32 of shape (H, W) in [0, 1]: higher means more likely forged.
        summary (dict): ``width``, ``height``, ``forged_share`` of the pixels, ``clusters`` found and ``noise_share`` of
            the embeddings (these two of FOCAL networks only; the mean over the members of a fusion that clusters each),
            ``image_score`` in [0, 1], higher for a forged image (of models that give one), ``calibration`` where
            there is one, ``seconds`` for all but the start of the model, in a batch its share of it.
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
        labels (np.ndarray | None): int64 of shape (h, w), the grid of the points that were clustered: 0 the pristine
            cluster, 1.. the others from large to small, -1 noise. None as ``clusters``.
        embeddings (np.ndarray | None): float32 of shape (C, h, w), of unit length: what was clustered. None as
            ``clusters``, and where the inferencer keeps none.
        source (str | Path | bytes | np.ndarray | None): The image as it was given; of a PIL image its pixels.
        color_type (str): How a file is decoded, as mmcv names it. Defaults to ``'color'``.
    """

    mask: np.ndarray
    score: np.ndarray
    summary: dict[str, Any]
    maps: dict[str, np.ndarray] = field(default_factory=dict)
    clusters: np.ndarray | None = None
    sources: list[dict[str, float]] = field(default_factory=list)
    labels: np.ndarray | None = None
    embeddings: np.ndarray | None = None
    source: str | Path | bytes | np.ndarray | None = None
    color_type: str = 'color'

    def __repr__(self) -> str:
        height, width = self.mask.shape
        score = '' if self.image_score is None else f', image score {self.image_score:.2f}'
        return f'Prediction({width}x{height}, {(self.mask > 0).mean():.1%} forged{score})'

    @property
    def image_score(self) -> float | None:
        """How surely something in the image is forged, in [0, 1]; None of models that do not say."""
        return self.summary.get('image_score')

    @property
    def image(self) -> np.ndarray:
        """The image, uint8 BGR of shape (H, W, 3); a file is read again.

        Raises:
            FileNotFoundError: If the file is gone.
            ValueError: If it cannot be read, has another size by now, or no image was kept.
        """
        if self.source is None:
            raise ValueError('this prediction was made without its image: there is nothing to lay the mask over')
        image = self.source if isinstance(self.source, np.ndarray) else decode(self.source, self.color_type)
        if image.shape[:2] != self.mask.shape:
            raise ValueError(f'the image changed since: it is {image.shape[:2]} now, the mask {self.mask.shape}')
        return image

    def overlay(self) -> Image.Image:
        """The image with the forged regions tinted red, at its size.

        Returns:
            PIL.Image.Image: RGB.

        Raises:
            FileNotFoundError: See :attr:`image`.
            ValueError: See there.
        """
        return Image.fromarray(overlay_mask(self.image, self.mask)[..., ::-1])

    def save(self, folder: str | Path, origin: Mapping[str, Any] | None = None) -> Path:
        """Write mask.png, score.png (16 bits), overlay.png, clusters.png where there are any, and summary.json.

        Args:
            folder (str | Path): Is made. Files of an earlier prediction are replaced. The summary is written last:
                where it is, the others are of the same prediction.
            origin (Mapping, optional): What the prediction was made of and by, for the summary. Defaults to None.

        Returns:
            Path: The folder.

        Raises:
            OSError: If something cannot be written.
            ValueError: See :attr:`image`.
        """
        folder = Path(folder)
        (folder / 'summary.json').unlink(missing_ok=True)
        planes = dict(mask=self.mask, score=to_16_bits(self.score), overlay=np.asarray(self.overlay())[..., ::-1])
        planes |= {name: to_16_bits(values) for name, values in self.maps.items()}
        planes |= {} if self.clusters is None else dict(clusters=self.clusters)
        for name in {*MAPS, 'clusters'} - set(planes):
            (folder / f'{name}.png').unlink(missing_ok=True)
        for name, plane in planes.items():
            write_image(folder / f'{name}.png', plane)
        image = dict(image=str(self.source)) if isinstance(self.source, str | Path) else {}
        summary = image | self.summary | ({} if origin is None else dict(origin=origin))
        summary |= {} if self.clusters is None else dict(sources=self.sources)
        with atomic_write(folder / 'summary.json') as part:
            part.write_text(json.dumps(summary, indent=2) + '\n', encoding='utf-8')
        return folder

    def _repr_png_(self) -> bytes:
        """For notebooks: the image, the score map and the overlay side by side."""
        height, width = self.mask.shape
        size = max(1, round(width * VIEW_HEIGHT / height)), VIEW_HEIGHT
        heat = cv2.applyColorMap(np.round(self.score * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
        views = [heat]
        if self.source is not None:
            image = self.image
            views = [image, heat, overlay_mask(image, self.mask)]
        views = [cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in views]
        file = BytesIO()
        Image.fromarray(np.hstack(views)[..., ::-1]).save(file, 'PNG')
        return file.getvalue()


def decode(source: str | Path | bytes, color_type: str = 'color') -> np.ndarray:
    """An image of a file or of its bytes: uint8 BGR of shape (H, W, 3).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read.
    """
    name = 'the image' if isinstance(source, bytes) else str(source)
    content = decodable(source, name) if isinstance(source, bytes) else image_bytes(source)
    image = imfrombytes(content, flag=color_type)
    if image is None:
        raise ValueError(f'{name} cannot be read: it is no image, or truncated')
    return image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
