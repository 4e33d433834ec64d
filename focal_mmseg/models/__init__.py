"""The parts of a FOCAL segmentor that MMSegmentation does not have."""

from .decode_heads import FOCALHead
from .losses import InfoNCEPlusPlusLoss
from .segmentors import FOCALTTAModel

__all__ = ['FOCALHead', 'FOCALTTAModel', 'InfoNCEPlusPlusLoss']
