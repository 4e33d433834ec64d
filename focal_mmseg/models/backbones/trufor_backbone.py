"""TruFor's extractor: an image and its Noiseprint++ through CMX's transformers."""

from typing import Any, ClassVar

from mmengine.model import BaseModule
from mmseg.registry import MODELS
from mmseg.utils import ConfigType
from torch import Tensor

# ImageNet's, of channels in [0, 1]. The released code uses them on grey levels over 256.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


@MODELS.register_module()
class TruForBackbone(BaseModule):
    """Takes an image's noiseprint, and both through :class:`CMXTransformer`.

    Its config says ``data_preprocessor=dict(mean=[0, 0, 0], std=[256, 256, 256], bgr_to_rgb=True, ...)``: the
    noiseprint is taken of that, and the normalisation of ImageNet, as released, happens inside.

    Args:
        noiseprint (dict): Config of the noiseprint's network. Defaults to ``dict(type='NoiseprintPlusPlus')``.
        init_cfg (dict, optional): Of each of the two transformers, see :class:`CMXTransformer`.
        **options: Of :class:`CMXTransformer`.

    Attributes:
        least_side (int): Images need so many pixels a side; with fewer the first stage has fewer cells than its keys
            and values are reduced by.

    Source:
        TruFor: Guillaro et al., CVPR 2023.
    """

    least_side: ClassVar[int] = 29

    def __init__(
        self,
        noiseprint: ConfigType = dict(type='NoiseprintPlusPlus'),
        init_cfg: ConfigType | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self.noiseprint = MODELS.build(noiseprint)
        self.encoder = MODELS.build(dict(type='CMXTransformer', init_cfg=init_cfg, **options))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images to features.

        Args:
            x (Tensor): RGB of shape (N, 3, H, W), grey levels over 256.

        Returns:
            tuple[Tensor, ...]: See :meth:`CMXTransformer.forward`: 64, 128, 320 and 512 channels by default.

        Raises:
            ValueError: If a side is below 29 pixels, or it is trained with a noiseprint of random weights.
        """
        if min(x.shape[2:]) < self.least_side:
            height, width = x.shape[2:]
            raise ValueError(
                f'TruForBackbone takes images of at least {self.least_side} pixels a side, got {width}x{height}: '
                "leave smaller ones out, bring them there by a Resize in the pipeline, or use model.type='TruFor', "
                'which continues them at their border'
            )
        if self.training:
            self.noiseprint.require_weights()
        noiseprint = self.noiseprint(x).expand_as(x)
        mean, std = (x.new_tensor(each)[:, None, None] for each in (MEAN, STD))
        return self.encoder((x - mean) / std, noiseprint)
