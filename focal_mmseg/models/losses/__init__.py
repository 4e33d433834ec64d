"""Contrastive losses inside one image: plain tensors in, a scalar out."""

from .circle_loss import CircleLoss
from .contrastive_loss import ContrastiveLoss, QueryLoss
from .dcl_loss import DCLLoss
from .info_nce_loss import InfoNCELoss
from .info_nce_plus_plus_loss import InfoNCEPlusPlusLoss
from .pristine_loss import PristineLoss
from .soft_contrastive_loss import SoftContrastiveLoss
from .streaming import streamed_mean
from .triplet_loss import TripletLoss

__all__ = [
    'CircleLoss',
    'ContrastiveLoss',
    'DCLLoss',
    'InfoNCELoss',
    'InfoNCEPlusPlusLoss',
    'PristineLoss',
    'QueryLoss',
    'SoftContrastiveLoss',
    'TripletLoss',
    'streamed_mean',
]
