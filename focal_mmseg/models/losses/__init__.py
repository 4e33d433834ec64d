"""Losses, FOCAL's inside one image and those of its peers: plain tensors in, a scalar out."""

from .balanced_bce_loss import BalancedBCELoss
from .circle_loss import CircleLoss
from .contrastive_loss import ContrastiveLoss, QueryLoss
from .dcl_loss import DCLLoss
from .forged_image_loss import ForgedImageLoss
from .forgery_dice_loss import ForgeryDiceLoss
from .info_nce_loss import InfoNCELoss
from .info_nce_plus_plus_loss import InfoNCEPlusPlusLoss
from .pristine_loss import PristineLoss
from .soft_contrastive_loss import SoftContrastiveLoss
from .streaming import streamed_mean
from .triplet_loss import TripletLoss
from .true_class_probability_loss import TrueClassProbabilityLoss

__all__ = [
    'BalancedBCELoss',
    'CircleLoss',
    'ContrastiveLoss',
    'DCLLoss',
    'ForgedImageLoss',
    'ForgeryDiceLoss',
    'InfoNCELoss',
    'InfoNCEPlusPlusLoss',
    'PristineLoss',
    'QueryLoss',
    'SoftContrastiveLoss',
    'TripletLoss',
    'TrueClassProbabilityLoss',
    'streamed_mean',
]
