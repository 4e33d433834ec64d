"""The encoder-decoder of IF-OSN: blended tiles in a test, noise of social networks in a training."""

from typing import Any

import torch
from mmseg.registry import MODELS
from mmseg.utils import ConfigType, SampleList
from torch import Tensor

from focal_mmseg.models.log_scores import log_scores

from .native_size import NativeSizeEncoderDecoder
from .tiles import blend_tiles

OPTIONS = ('tile', 'stride', 'least_side')


@MODELS.register_module()
class TiledEncoderDecoder(NativeSizeEncoderDecoder):
    """mmseg's ``EncoderDecoder``; ``test_cfg.mode='tiles'`` takes any size by tiles, see :func:`blend_tiles`.

    ``test_cfg`` for ``mode='tiles'``:

    - ``tile`` (int): Side of a tile in pixels.
    - ``stride`` (int): From tile to tile, at most ``tile``.
    - ``eight_bit`` (bool): Whether scores go through 8 bits, as in the released code. Defaults to True.
    - ``least_side`` (int): What the network needs; a smaller image is refused. Defaults to 1.

    Args:
        *args: Of mmseg's ``EncoderDecoder``.
        noise (dict, optional): Config of a module that changes the images of a training. Defaults to None.
        **kwargs: Of mmseg's ``EncoderDecoder``.

    Raises:
        ValueError: If an option of ``mode='tiles'`` is missing or out of its range.
    """

    def __init__(self, *args: Any, noise: ConfigType | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if noise is not None:
            self.noise = MODELS.build(noise)
        if self._uses_tiles:
            self._check_options()

    @property
    def _uses_tiles(self) -> bool:
        return self.test_cfg is not None and self.test_cfg.get('mode') == 'tiles'

    def loss(self, inputs: Tensor, data_samples: SampleList) -> dict[str, Tensor]:
        """See mmseg's; the images get their noise first."""
        return super().loss(self.noise(inputs) if hasattr(self, 'noise') else inputs, data_samples)

    def inference(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Score images.

        Args:
            inputs (Tensor): Of shape (N, 3, H, W).
            batch_img_metas (list[dict]): One an image.

        Returns:
            Tensor: float32 of shape (N, 2, H, W): the logarithms of the scores for pristine and forged.

        Raises:
            ValueError: If an image is smaller than ``least_side``.
        """
        if not self._uses_tiles:
            return super().inference(inputs, batch_img_metas)
        tile, stride, least = self._check_options()
        height, width = inputs.shape[2:]
        if min(height, width) < least:
            path = batch_img_metas[0].get('img_path', 'the image')
            raise ValueError(f'{path} is {width}x{height}: the network needs sides of at least {least} pixels')

        def score(part: Tensor) -> Tensor:
            meta = {**batch_img_metas[0], 'img_shape': part.shape[1:]}
            return self.encode_decode(part[None], [meta]).softmax(1)[0, 1]

        eight_bit = self.test_cfg.get('eight_bit', True)
        scores = [blend_tiles(score, image, tile, stride, eight_bit) for image in inputs]
        return torch.stack([log_scores(each.to(inputs)[None], 0) for each in scores])

    def _check_options(self) -> tuple[int, int, int]:
        """``tile``, ``stride`` and ``least_side``."""
        tile, stride, least = (self.test_cfg.get(name, 1 if name == 'least_side' else None) for name in OPTIONS)
        for name, value in zip(OPTIONS, (tile, stride, least), strict=True):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"model.test_cfg.mode='tiles' needs {name} of at least 1 pixel, got {value!r}")
        if stride > tile:
            raise ValueError(f'model.test_cfg.stride must be at most tile, got {stride} and {tile}: tiles leave gaps')
        return tile, stride, least
