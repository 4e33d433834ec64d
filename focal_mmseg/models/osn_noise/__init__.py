"""What uploading to a social network does to an image, as IF-OSN makes it while it trains."""

from .adversarial_memory import AdversarialMemory
from .osn_noise import OSNNoise
from .residual_unet import ResidualUNet
from .soft_jpeg import soft_jpeg

__all__ = ['AdversarialMemory', 'OSNNoise', 'ResidualUNet', 'soft_jpeg']
