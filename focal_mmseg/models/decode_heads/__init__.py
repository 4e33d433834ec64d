"""The heads without a classifier, and those of the networks that FOCAL is compared with."""

from .catnet_head import CATNetHead
from .focal_head import FOCALHead
from .fusion_head import FOCALFusionHead
from .mvss_head import MVSSHead
from .pscc_head import PSCCHead
from .pscc_image_head import PSCCImageHead
from .scse_unet_head import SCSEUNetHead
from .sobel_edge_head import SobelEdgeHead
from .trufor_detector import TruForDetector
from .trufor_head import TruForHead

__all__ = [
    'CATNetHead',
    'FOCALFusionHead',
    'FOCALHead',
    'MVSSHead',
    'PSCCHead',
    'PSCCImageHead',
    'SCSEUNetHead',
    'SobelEdgeHead',
    'TruForDetector',
    'TruForHead',
]
