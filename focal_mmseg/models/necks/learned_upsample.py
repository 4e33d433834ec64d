"""The one map of a plain vision transformer at a higher resolution."""

from collections.abc import Sequence

from mmengine.model import BaseModule
from mmseg.registry import MODELS
from mmseg.utils import ConfigType
from torch import Tensor, nn


@MODELS.register_module()
class LearnedUpsample(BaseModule):
    """Enlarges a map by transposed convolutions, so that what lies within a patch is learnt, not interpolated.

    Each factor of two is a transposed convolution of stride 2, a norm over the channels of each point, and GELU; the
    first one brings the map to its new width. The head's 1x1 convolution is the projection behind them. mmseg's
    ``MultiLevelNeck`` without norm and activation is an affine map with fixed bilinear weights, and its
    ``Feature2Pyramid`` wants one map for each of its four resolutions.

    Args:
        in_channels (int): Width of the map.
        out_channels (int): Width of the enlarged map.
        factor (int): How many times larger each side becomes: a power of two. 1 is a 1x1 convolution, norm and GELU.
            Defaults to 2.
        init_cfg (dict, optional): See mmengine's ``BaseModule``. Defaults to None.

    Raises:
        ValueError: If the factor is no power of two.

    Source:
        The enlargement in the mask decoder of SAM, Kirillov et al., 2023.
    """

    def __init__(
        self, in_channels: int, out_channels: int, factor: int = 2, init_cfg: ConfigType | None = None
    ) -> None:
        if not (isinstance(factor, int) and factor >= 1 and factor.bit_count() == 1):
            raise ValueError(f'factor of LearnedUpsample must be a power of two (1, 2, 4, ...), got {factor}')
        super().__init__(init_cfg)
        steps = []
        for stride in [2] * (factor.bit_length() - 1) or [1]:
            enlarging = nn.ConvTranspose2d(in_channels, out_channels, kernel_size=stride, stride=stride)
            steps.append(nn.Sequential(enlarging, _PointNorm(out_channels), nn.GELU()))
            in_channels = out_channels
        self.steps = nn.Sequential(*steps)

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor]:
        """Enlarge the map.

        Args:
            inputs (Sequence[Tensor]): One, float of shape (N, in_channels, h, w).

        Returns:
            tuple[Tensor]: One, of shape (N, out_channels, factor * h, factor * w).

        Raises:
            ValueError: If there is another number of maps.
        """
        if len(inputs) != 1:
            raise ValueError(
                f'LearnedUpsample enlarges one map, got {len(inputs)}: name one block in model.backbone.out_indices, '
                'or choose another neck (docs/guide/configs.md)'
            )
        return (self.steps(inputs[0]),)


class _PointNorm(nn.LayerNorm):
    """A layer norm of the channels at each point of a map, whatever its size."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
