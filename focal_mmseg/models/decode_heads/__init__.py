"""Heads: FOCAL's, without a classifier, and those of the networks that it is compared with."""

from .catnet_head import CATNetHead
from .focal_head import FOCALHead
from .fusion_head import FOCALFusionHead
from .pscc_head import PSCCHead
from .pscc_image_head import PSCCImageHead

__all__ = ['CATNetHead', 'FOCALFusionHead', 'FOCALHead', 'PSCCHead', 'PSCCImageHead']
