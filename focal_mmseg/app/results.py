"""What the page keeps of an image, in memory, and the images that it shows of it."""

import json
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

import cv2
import numpy as np

from focal_mmseg.apis import Prediction
from focal_mmseg.visualization import overlay_mask

# Longest side of what is shown, in pixels; downloads have the image's own size.
SHOWN = 1400
# Results that all open pages keep together; a page's oldest goes first.
MOST_RESULTS = 48
# BGR, of sources 1, 2, ... in turn: told apart by eyes that confuse red and green too (Okabe and Ito, 2008).
COLOURS = np.array(
    [(0, 94, 213), (178, 114, 0), (66, 228, 240), (167, 121, 204), (115, 158, 0), (233, 180, 86), (0, 159, 230)],
    np.uint8,
)
FORGED_BGR = (0, 0, 255)
DEFAULT_POINT = 0.5
KINDS = {
    'image.jpg': 'image/jpeg',
    'score.jpg': 'image/jpeg',
    'layer.png': 'image/png',
    'clusters.jpg': 'image/jpeg',
    'mask.png': 'image/png',
    'overlay.png': 'image/png',
    'result.json': 'application/json',
}


@dataclass
class Result:
    """A prediction as the page keeps it.

    Attributes:
        name (str): Of the image's file, as it was dropped.
        model (str): That made it.
        prediction (Prediction): Of the image.
        threshold (float | None): Of the model's gate on evidence; None of models without one.
        sources (np.ndarray): uint8 of shape (h, w), at the grid of the clustered points: the cluster of each if it is
            forged, from 1 on.
    """

    name: str
    model: str
    prediction: Prediction
    threshold: float | None = None
    sources: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.sources = assign_sources(self.prediction)

    def mask(self, point: float) -> np.ndarray:
        """Which pixels are forged at an operating point: uint8 of shape (H, W), 255 where the score is above it."""
        return (self.prediction.score > point).astype(np.uint8) * 255

    def share(self, point: float) -> float:
        """The share of the pixels that are forged at an operating point."""
        return float((self.prediction.score > point).mean())

    def evidence(self, point: float) -> float | None:
        """The gate's threshold that an operating point stands for: the score is evidence / (evidence + threshold)."""
        return None if self.threshold is None else self.threshold * point / max(1 - point, 1e-6)

    def render(self, kind: str, point: float) -> bytes:
        """An image or a file of the page.

        Args:
            kind (str): Of ``KINDS``.
            point (float): Operating point, in [0, 1].

        Returns:
            bytes: The file's content.
        """
        if kind == 'image.jpg':
            return _encoded(_shown(self.prediction.image))
        if kind == 'score.jpg':
            levels = np.round(_shown(self.prediction.score) * 255).astype(np.uint8)
            return _encoded(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO))
        if kind == 'layer.png':
            return _encoded(self._layer(point), '.png')
        if kind == 'clusters.jpg':
            return _encoded(self._clusters(point))
        if kind == 'mask.png':
            return _encoded(self.mask(point), '.png')
        if kind == 'overlay.png':
            return _encoded(overlay_mask(self.prediction.image, self.mask(point)), '.png')
        return self.as_json(point).encode()

    def as_json(self, point: float) -> str:
        """What is known of the image as numbers."""
        said = dict(
            image=self.name,
            model=self.model,
            operating_point=point,
            gate_threshold=self.evidence(point),
            **self.prediction.summary | dict(forged_share=round(self.share(point), 6)),
            sources=self.prediction.sources,
        )
        return json.dumps(said, indent=2, allow_nan=False) + '\n'

    def _layer(self, point: float) -> np.ndarray:
        """The mask as red over nothing, to lie over the image: BGRA."""
        mask = _shown(self.mask(point))
        return np.dstack([np.full((*mask.shape, 3), FORGED_BGR, np.uint8), mask])

    def _clusters(self, point: float) -> np.ndarray:
        """The sources of the forged pixels in colours, over the image in grey: BGR."""
        grey = cv2.cvtColor(_shown(self.prediction.image), cv2.COLOR_BGR2GRAY)
        view = cv2.cvtColor((grey // 2 + 96).astype(np.uint8), cv2.COLOR_GRAY2BGR)
        forged = _shown(self.mask(point)) > 127
        sources = cv2.resize(self.sources, forged.shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
        view[forged] = COLOURS[(np.maximum(sources, 1) - 1) % len(COLOURS)][forged]
        return view


class Results:
    """The results of all open pages, by a name that nobody guesses. Nothing of them is on the disk."""

    def __init__(self) -> None:
        self._results: OrderedDict[str, tuple[str | None, Result]] = OrderedDict()
        self._lock = Lock()

    def add(self, page: str | None, result: Result) -> str:
        """Keep a result of a page; returns its name. The oldest one goes where there are ``MOST_RESULTS``."""
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._results[name] = page, result
            while len(self._results) > MOST_RESULTS:
                self._results.popitem(last=False)
        return name

    def get(self, name: str | None) -> Result | None:
        """The result of a name; None where it is gone."""
        with self._lock:
            found = self._results.get(name) if name else None
            return found[1] if found else None

    def forget(self, page: str | None) -> None:
        """Drop what a page had."""
        with self._lock:
            for name in [name for name, (of, _) in self._results.items() if of == page]:
                del self._results[name]

    def __len__(self) -> int:
        return len(self._results)


def assign_sources(prediction: Prediction) -> np.ndarray:
    """The cluster that each point comes from if it is forged: its own, or of pristine and noise the nearest other."""
    labels = prediction.labels
    if labels is None or labels.max() < 1:
        return np.ones((1, 1), np.uint8)
    if labels.max() == 1 or prediction.embeddings is None:
        return np.clip(labels, 1, 255).astype(np.uint8)
    points = prediction.embeddings.reshape(len(prediction.embeddings), -1)
    centres = np.stack([points[:, labels.ravel() == number].mean(1) for number in range(1, labels.max() + 1)])
    nearest = (centres @ points - (centres**2).sum(1, keepdims=True) / 2).argmax(0).reshape(labels.shape) + 1
    return np.where(labels > 0, labels, nearest).clip(1, 255).astype(np.uint8)


def _shown(plane: np.ndarray) -> np.ndarray:
    """An image at the size that the page shows."""
    factor = SHOWN / max(plane.shape[:2])
    if factor >= 1:
        return plane
    size = tuple(max(1, round(side * factor)) for side in plane.shape[1::-1])
    return cv2.resize(plane, size, interpolation=cv2.INTER_AREA)


def _encoded(image: np.ndarray, kind: str = '.jpg') -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, 92] if kind == '.jpg' else [cv2.IMWRITE_PNG_COMPRESSION, 3]
    return cv2.imencode(kind, image, options)[1].tobytes()
