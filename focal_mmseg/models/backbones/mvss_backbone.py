"""The two extractors of MVSS-Net: one of the image, one of the noise in its grey levels."""

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from mmseg.utils import ConfigType
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

# Of the channels in their order in the image: blue, green, red.
GREY = (0.1140, 0.5870, 0.2989)
SIDE = 5
STRIDE = 16


@MODELS.register_module()
class MVSSBackbone(BaseModule):
    """Two networks of the same form: on the image, and on what a Bayar convolution leaves of its grey levels.

    Args:
        network (dict): Config of each of the two; a ResNet-50 with stride 16 in MVSS-Net.
        init_cfg (dict, optional): Of each of the two networks. Defaults to None.

    Source:
        Chen, Dong, Ji, Cao, Li, Image Manipulation Detection by Multi-View Multi-Scale Supervision, ICCV 2021.
    """

    def __init__(self, network: ConfigType, init_cfg: ConfigType | None = None) -> None:
        super().__init__()
        self.image = MODELS.build(dict(network, init_cfg=init_cfg))
        self.bayar = BayarConv(3)
        self.noise = MODELS.build(dict(network, init_cfg=init_cfg))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Extract features.

        Args:
            images (Tensor): Of shape (N, 3, H, W), normalised, blue first; H and W multiples of 16.

        Returns:
            tuple[Tensor, ...]: The image's maps, then the last of the noise's, each (N, C_i, h_i, w_i).

        Raises:
            ValueError: If a side is no multiple of 16.
        """
        height, width = images.shape[2:]
        if height % STRIDE or width % STRIDE:
            raise ValueError(
                f'MVSS-Net takes sides that are multiples of {STRIDE}, got an input of {height}x{width}: bring the '
                'Resize of every pipeline and model.data_preprocessor.size to multiples, as 512x512'
            )
        grey = (images * images.new_tensor(GREY)[:, None, None]).sum(1, keepdim=True)
        return *self.image(images), self.noise(self.bayar(grey))[-1]


class BayarConv(nn.Module):
    """A 5x5 convolution of one channel whose other weights predict the middle one: they add up to 1, it is -1.

    In training the parameter itself is brought to the sum 1 before each use, and no gradient flows through that.

    Args:
        outputs (int): Channels of the result.

    Source:
        Bayar and Stamm, Constrained Convolutional Neural Networks, IEEE TIFS 2018.
    """

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.rand(1, outputs, SIDE**2 - 1))

    def forward(self, grey: Tensor) -> Tensor:
        """Filter images.

        Args:
            grey (Tensor): Of shape (N, 1, H, W).

        Returns:
            Tensor: Of shape (N, outputs, H, W).
        """
        normalised = (self.kernel / self.kernel.sum(-1, keepdim=True)).detach()
        if self.training:
            self.kernel.data.copy_(normalised)
        weights = self.kernel + (normalised - self.kernel).detach()
        before, behind = weights[0].chunk(2, dim=-1)
        middle = before.new_full((len(before), 1), -1.0)
        kernel = torch.cat([before, middle, behind], dim=-1).view(-1, 1, SIDE, SIDE)
        return F.conv2d(grey, kernel, padding=SIDE // 2)
