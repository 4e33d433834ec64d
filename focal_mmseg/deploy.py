"""FOCAL without MMSegmentation: the ONNX file of tools/model_converters/export.py, run by onnxruntime, then clustered.

Needs ``onnxruntime``, torch on a processor and the clusterers of this package, nothing of the OpenMMLab stack. What
stands before the network stays outside: :class:`ONNXLocaliser` says what it wants of an image.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from . import clustering
from .clustering import Localisation
from .clustering.map_size import pool_embeddings, upsample_scores, valid_cells
from .clustering.stitching import fitting_window, stitch_embeddings

# Key of the file's metadata.
KEY = 'focal_mmseg'
# Scores keep this far from 0 and 1, as FOCALHead's do.
LEAST_SCORE = 1e-4


@dataclass(frozen=True)
class Localised:
    """What :class:`ONNXLocaliser` finds.

    Attributes:
        mask (np.ndarray): uint8 of shape (H, W): 255 forged, 0 pristine.
        score (np.ndarray): float32 of shape (H, W) in [0, 1]: higher means more likely forged.
        image_score (float): How surely something in the image is forged, in [0, 1].
        found (Localisation): Labels and scores of the points that were clustered.
    """

    mask: np.ndarray
    score: np.ndarray
    image_score: float
    found: Localisation


class ONNXLocaliser:
    """Runs an exported FOCAL network and clusters its embeddings.

    The input is what the config's ``test_pipeline`` makes of an image (attribute ``contract`` has its transforms), as
    float32 of shape (C, H, W):

    - Three channels: B, G, R in [0, 255] as OpenCV decodes them, resized where ``contract['input_size']`` says so. The
      file normalises.
    - Five channels, as of ``focal_lite``: R, G and B less 127.5, over 127.5; then, where the pixel in row u and column
      v of an 8x8 block lies, the quantised coefficient (u, v) of that block of the file's luma, and the entry (u, v)
      of its quantisation table. H and W are multiples of 8; pixels beyond the image repeat its border, coefficients are
      those of the file. Nothing may be resized. An image that is no JPEG is first saved as one of quality 100, and
      all five channels are of that file. ``focal_mmseg.datasets.transforms.LoadJPEGArtifacts`` is such a loader, and
      ``jpeglib`` reads the coefficients.

    Args:
        path (str | Path): Of the ONNX file.
        threads (int): Of onnxruntime; 0 lets it choose. Defaults to 0.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If onnxruntime is not installed.
        ValueError: If the file is damaged, or was not exported by this project.

    Attributes:
        contract (dict): ``channels``, ``input_size`` (None or height and width), ``test_cfg``, ``max_points``,
            ``clusterer``, ``gate``, ``test_pipeline``, ``opset``, ``version``.
        clusterer (Clusterer): Clusters; may be replaced.
        gate (Callable | None): Decides what is forged; may be replaced.
    """

    def __init__(self, path: str | Path, threads: int = 0) -> None:
        if not Path(path).is_file():
            raise FileNotFoundError(f'the network {path} does not exist')
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError(
                f"ONNXLocaliser needs onnxruntime: pip install 'focal_mmseg[export]' ({error})"
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])
        except Exception as error:  # onnxruntime has an exception for each kind of damage
            raise ValueError(f'{path} cannot be read as an ONNX file: {error}') from error
        contract = self._session.get_modelmeta().custom_metadata_map.get(KEY)
        if contract is None:
            raise ValueError(f'{path} was not exported by focal_mmseg: use tools/model_converters/export.py')
        self.contract: dict[str, Any] = json.loads(contract)
        self.clusterer = _built(self.contract['clusterer'])
        self.gate = _built(self.contract['gate']) if self.contract['gate'] else None

    def embed(self, image: np.ndarray) -> np.ndarray:
        """Run the network once.

        Args:
            image (np.ndarray): float32 of shape (C, H, W), see the class.

        Returns:
            np.ndarray: Unit-length embeddings, float32 of shape (C', h, w).

        Raises:
            ValueError: If the image has another form.
        """
        self._check(image)
        return self._session.run(None, {'image': np.ascontiguousarray(image)[None]})[0][0]

    def __call__(
        self,
        image: np.ndarray,
        padding: tuple[int, int, int, int] = (0, 0, 0, 0),
        size: tuple[int, int] | None = None,
    ) -> Localised:
        """Localise the forged regions of one image.

        Large images go through by windows where the config says so, as in the test of the config.

        Args:
            image (np.ndarray): float32 of shape (C, H, W), see the class.
            padding (tuple[int, int, int, int]): Pixels beyond the image: left, right, top, bottom.
            size (tuple[int, int], optional): Height and width that mask and score are brought to. Defaults to those of
                the image without its padding.

        Returns:
            Localised: At that size.

        Raises:
            ValueError: If the image has another form.
        """
        self._check(image)
        embeddings, covered = self._embeddings(image)
        left, right, top, bottom = padding
        height, width = image.shape[1:]
        beyond = covered[0] - height, covered[1] - width
        rows = valid_cells(embeddings.shape[1], covered[0], top, bottom + beyond[0])
        columns = valid_cells(embeddings.shape[2], covered[1], left, right + beyond[1])
        found, score = self._localise(embeddings[:, rows, columns])
        margins = (columns.start, embeddings.shape[2] - columns.stop, rows.start, embeddings.shape[1] - rows.stop)
        score = F.pad(score[None, None], margins, mode='replicate').clamp(LEAST_SCORE, 1 - LEAST_SCORE)
        logits = _resized(torch.cat([(1 - score).log(), score.log()], dim=1), covered)
        logits = logits[:, :, top : height - bottom, left : width - right]
        logits = _resized(logits, size or logits.shape[2:])[0]
        mask = (logits.argmax(0) * 255).numpy().astype(np.uint8)
        return Localised(mask, logits.softmax(0)[1].numpy(), found.image_score, found)

    def _check(self, image: np.ndarray) -> None:
        channels, size = self.contract['channels'], self.contract['input_size']
        if image.ndim != 3 or image.shape[0] != channels or image.dtype != np.float32:
            raise ValueError(
                f'expected float32 of shape ({channels}, H, W), as the test pipeline gives it, got {image.dtype} '
                f'{image.shape}'
            )
        if size is not None and list(image.shape[1:]) != list(size):
            raise ValueError(f'this network was exported for images of {size[0]}x{size[1]}, got {image.shape[1:]}')

    def _embeddings(self, image: np.ndarray) -> tuple[Tensor, tuple[int, int]]:
        """The map (C', h, w), and the height and width in pixels that it covers."""
        size = image.shape[1:]
        options = self.contract['test_cfg']
        if options['mode'] == 'whole':
            return torch.from_numpy(self.embed(image)), size
        embeddings, cell = stitch_embeddings(
            lambda part: torch.from_numpy(self.embed(part[0].numpy()))[None],
            torch.from_numpy(image),
            fitting_window(size, options['crop_size'], options['stride'], options['size_divisor']),
            options['stride'],
            self.contract['max_points'],
        )
        return embeddings, (cell * embeddings.shape[1], cell * embeddings.shape[2])

    def _localise(self, embeddings: Tensor) -> tuple[Localisation, Tensor]:
        """What was found, and the forged scores (h, w) of the map (C', h, w)."""
        most = self.contract['max_points']
        pooled = pool_embeddings(embeddings, most)
        points = pooled.flatten(1).T
        found = self.clusterer.localise(points, tuple(pooled.shape[1:]))
        if self.gate is not None:
            found = self.gate(points, found)
        return found, upsample_scores(found.score, embeddings.shape[1:], most)


def _resized(logits: Tensor, size: Sequence[int]) -> Tensor:
    """Two maps (1, 2, h, w) at another size, bilinear."""
    if tuple(logits.shape[2:]) == tuple(size):
        return logits
    return F.interpolate(logits, size=tuple(size), mode='bilinear', align_corners=False)


def _built(config: dict[str, Any]) -> Any:
    """A clusterer or a gate of :mod:`focal_mmseg.clustering` from its config.

    Raises:
        ValueError: If there is none of that name.
    """
    options = dict(config)
    name = options.pop('type')
    if name not in clustering.__all__:
        raise ValueError(f'the file names {name}, which is no clusterer or gate of focal_mmseg.clustering')
    return getattr(clustering, name)(**options)
