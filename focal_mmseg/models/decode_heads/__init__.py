"""The heads without a classifier, and those of the networks that FOCAL is compared with."""

from .focal_head import FOCALHead
from .fusion_head import FOCALFusionHead
from .mvss_head import MVSSHead
from .scse_unet_head import SCSEUNetHead
from .sobel_edge_head import SobelEdgeHead

__all__ = ['FOCALFusionHead', 'FOCALHead', 'MVSSHead', 'SCSEUNetHead', 'SobelEdgeHead']
