"""The noise of social networks, as IF-OSN makes it in a training."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor

from focal_mmseg.engine.checkpoint import load_weights, require_fit

from .adversarial_memory import AdversarialMemory
from .residual_unet import ResidualUNet
from .soft_jpeg import soft_jpeg

OURS = 'noise.unet.'
HALF = 127.5


@MODELS.register_module()
class OSNNoise(BaseModule):
    """Changes images of a training as a social network would, and a little against the detector.

    U-Net, then JPEG, then adversarial noise, held within [-1, 1]. U-Net and JPEG are frozen: no gradients, no
    statistics.

    Args:
        size (Sequence[int]): Height and width of the images; multiples of 16.
        checkpoint (str, optional): The U-Net's weights, which ``tools/model_converters/ifosn2mmseg.py`` wrote; read
            when a training starts. None goes without the U-Net. Defaults to None.
        quality (float | Sequence[float]): Of the JPEG, or (low, high), between which one is drawn a batch. Defaults to
            95, the released code's; the paper says 71 to 95.
        entries (int): See :class:`AdversarialMemory`. 0 goes without adversarial noise. Defaults to 32.
        width (int): See :class:`ResidualUNet`. Defaults to 64.

    Raises:
        ValueError: If a quality is out of its range.
    """

    def __init__(
        self,
        size: Sequence[int],
        checkpoint: str | None = None,
        quality: float | Sequence[float] = 95,
        entries: int = 32,
        width: int = 64,
    ) -> None:
        super().__init__()
        low, high = quality if isinstance(quality, list | tuple) else (quality, quality)
        if not 0 < low <= high <= 100:
            raise ValueError(f'quality must be above 0 and at most 100, low before high, got {quality}')
        self.checkpoint = checkpoint
        self.quality = (low, high)
        self.unet = None if checkpoint is None else ResidualUNet(width).requires_grad_(False)
        self.adversary = AdversarialMemory(size, entries) if entries else None
        self.train()

    def init_weights(self) -> None:
        """Read the U-Net's weights.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is no checkpoint of the U-Net.
        """
        if self.unet is not None and self.checkpoint is not None and not self.is_init:
            state = load_weights(self.checkpoint)
            state = {name.removeprefix(OURS): value for name, value in state.items() if name.startswith(OURS)}
            require_fit(self.unet, state, f'model.noise.checkpoint={self.checkpoint}')
            self.unet.load_state_dict(state)
        self.is_init = True

    def train(self, mode: bool = True) -> 'OSNNoise':
        """The U-Net stays in evaluation, so that its batch norms keep their statistics."""
        super().train(mode)
        if self.unet is not None:
            self.unet.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Change images.

        Args:
            images (Tensor): RGB of shape (N, 3, H, W) in [-1, 1].

        Returns:
            Tensor: Of the same shape and range.

        Raises:
            ValueError: If the images are of another size than the memory's, or of sides that are no multiples of 16.
        """
        low, high = self.quality
        quality = low + (high - low) * torch.rand(()).item()
        with torch.no_grad():
            changed = images if self.unet is None else self.unet(images)
            # Coefficients in half precision would be rounded to other steps.
            with torch.autocast(images.device.type, enabled=False):
                changed = soft_jpeg((changed.float() + 1) * HALF, quality) / HALF - 1
        if self.adversary is not None:
            changed = changed + self.adversary(images)
        return changed.clamp(-1, 1)
