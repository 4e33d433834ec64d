"""Contrastive losses inside one image: plain tensors in, a scalar out."""

from .info_nce_plus_plus_loss import InfoNCEPlusPlusLoss, info_nce_plus_plus

__all__ = ['InfoNCEPlusPlusLoss', 'info_nce_plus_plus']
