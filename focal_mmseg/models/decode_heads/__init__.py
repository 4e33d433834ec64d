"""The heads without a classifier, and those of the networks that FOCAL is compared with."""

from .focal_head import FOCALHead
from .fusion_head import FOCALFusionHead
from .scse_unet_head import SCSEUNetHead

__all__ = ['FOCALFusionHead', 'FOCALHead', 'SCSEUNetHead']
