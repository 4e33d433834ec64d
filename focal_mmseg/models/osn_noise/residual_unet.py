"""The U-Net that imitates what a social network does to an image beside compressing it."""

import torch
from torch import Tensor, nn

# Four halvings.
WHOLE = 16
SHARE = 0.02


class ResidualUNet(nn.Module):
    """Changes an image a little: 0.98 of it and 0.02 of what a U-Net makes of it, through tanh.

    Five levels of two 3x3 convolutions with batch norm and ReLU, halved by max-pooling, doubled by repeating and one
    such convolution, joined with the encoder's map in front, and a 1x1 convolution to three channels.

    Args:
        width (int): Channels of the first level; each next has twice as many. Defaults to 64.

    Source:
        Wu, Zhou, Tian, Liu, CVPR 2022 (IF-OSN); Ronneberger, Fischer, Brox, U-Net, MICCAI 2015.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        widths = [width << level for level in range(5)]
        self.downs = nn.ModuleList(
            nn.Sequential(*_convolution(before, after), *_convolution(after, after))
            for before, after in zip([3, *widths[:-1]], widths, strict=True)
        )
        self.pool = nn.MaxPool2d(2)
        pairs = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.ups = nn.ModuleList(
            nn.Sequential(nn.Upsample(scale_factor=2), *_convolution(below, after)) for below, after in pairs
        )
        self.merges = nn.ModuleList(
            nn.Sequential(*_convolution(2 * after, after), *_convolution(after, after)) for _, after in pairs
        )
        self.last = nn.Conv2d(width, 3, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Change images.

        Args:
            images (Tensor): RGB of shape (N, 3, H, W) in [-1, 1]; H and W multiples of 16.

        Returns:
            Tensor: Of the same shape, in [-1, 1].

        Raises:
            ValueError: If the sides are no multiples of 16.
        """
        if images.shape[2] % WHOLE or images.shape[3] % WHOLE:
            raise ValueError(f'the noise U-Net takes sides of multiples of {WHOLE}, got {tuple(images.shape[2:])}')
        levels = [self.downs[0](images)]
        for down in self.downs[1:]:
            levels.append(down(self.pool(levels[-1])))
        features = levels.pop()
        for up, merge in zip(self.ups, self.merges, strict=True):
            features = merge(torch.cat([levels.pop(), up(features)], dim=1))
        return SHARE * self.last(features).tanh() + (1 - SHARE) * images


def _convolution(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
