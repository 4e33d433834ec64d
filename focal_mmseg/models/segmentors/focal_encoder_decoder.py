"""The encoder-decoder of FOCAL: image scores, and a sliding window that stitches embeddings."""

import torch
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.utils import OptSampleList, SampleList
from torch import Tensor

from .image_score import give_image_scores
from .stitching import stitched

MAX_POINTS = 65536


@MODELS.register_module()
class FOCALEncoderDecoder(EncoderDecoder):
    """mmseg's ``EncoderDecoder``; each picture also gets an ``image_score``, and ``slide`` clusters it once.

    In ``test_cfg.mode='slide'`` the plain one would cluster each window by itself, and clusters of two windows have no
    common names. This one stitches the windows' embeddings to one map, then clusters it.

    ``test_cfg`` for ``mode='slide'``:

    - ``crop_size`` (tuple[int, int]): Height and width of a window, in pixels of the network's input.
    - ``stride`` (tuple[int, int]): From window to window, at most ``crop_size``.
    - ``max_points`` (int): Most embeddings that are clustered; a larger map is made coarser, see
      :class:`StitchedMap`. Defaults to 65,536, a map of 256x256.
    """

    def predict(self, inputs: Tensor, data_samples: OptSampleList = None) -> SampleList:
        """Predict masks and scores as mmseg does, and ``image_score`` (:func:`give_image_scores`)."""
        return give_image_scores(super().predict(inputs, data_samples), self.decode_head.last_localisations)

    def slide_inference(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Stitch the embeddings of each image, cluster each map once.

        Args:
            inputs (Tensor): Of shape (N, 3, H, W).
            batch_img_metas (list[dict]): One an image.

        Returns:
            Tensor: float32 of shape (N, 2, H, W), see :meth:`FOCALHead.predict_by_feat`.

        Raises:
            ValueError: If ``crop_size``, ``stride`` or ``max_points`` is missing or out of its range.
        """
        maps, metas = self.slide_embeddings(inputs, batch_img_metas)
        logits = self.decode_head.predict_by_feat(maps, metas)
        return logits[:, :, : inputs.shape[2], : inputs.shape[3]]

    def slide_embeddings(self, inputs: Tensor, batch_img_metas: list[dict]) -> tuple[Tensor, list[dict]]:
        """Stitch the embeddings of each image.

        Args:
            inputs (Tensor): Of shape (N, 3, H, W).
            batch_img_metas (list[dict]): One an image.

        Returns:
            tuple[Tensor, list[dict]]: The maps, of shape (N, C, h, w), and the images' metas for them: where a map
            covers more than its image, that is padding.

        Raises:
            ValueError: See :meth:`slide_inference`.
        """
        window, stride, max_points = self._slide_options()
        maps = []
        for image in inputs:
            embeddings, cell = stitched(self._embed, image, window, stride, max_points)
            maps.append(embeddings)
        covered = tuple(cell * cells for cells in maps[0].shape[1:])
        return torch.stack(maps), [_beyond(meta, covered, inputs.shape[2:]) for meta in batch_img_metas]

    def _embed(self, window: Tensor) -> Tensor:
        return self.decode_head(self.extract_feat(window))

    def _slide_options(self) -> tuple[tuple[int, int], tuple[int, int], int]:
        window, stride = self.test_cfg.get('crop_size'), self.test_cfg.get('stride')
        max_points = self.test_cfg.get('max_points', MAX_POINTS)
        if not (window and stride and all(0 < step <= side for step, side in zip(stride, window, strict=True))):
            raise ValueError(
                "model.test_cfg.mode='slide' needs crop_size=(height, width) and a stride of at least 1 and at most "
                f'crop_size, got crop_size={window} and stride={stride}'
            )
        if max_points < 1:
            raise ValueError(f'model.test_cfg.max_points must be at least 1, got {max_points}')
        return tuple(window), tuple(stride), max_points


def _beyond(meta: dict, covered: tuple[int, int], size: tuple[int, int]) -> dict:
    """An image's meta for a map that covers more than the image: what lies beyond it is padding."""
    left, right, top, bottom = meta.get('img_padding_size', meta.get('padding_size', (0, 0, 0, 0)))
    bottom, right = bottom + covered[0] - size[0], right + covered[1] - size[1]
    return {**meta, 'img_shape': torch.Size(covered), 'img_padding_size': (left, right, top, bottom)}
