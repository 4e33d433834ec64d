"""Clustering of one image's embeddings: plain tensors in, labels and scores out."""

from .base import Clusterer, Localisation, localise
from .evidence_gate import EvidenceGate
from .hdbscan_clusterer import HDBSCANClusterer
from .pristine_centre_clusterer import PristineCentreClusterer
from .sklearn_clusterers import BIRCHClusterer, BisectingKMeansClusterer, HierarchicalClusterer, KMeansClusterer

__all__ = [
    'BIRCHClusterer',
    'BisectingKMeansClusterer',
    'Clusterer',
    'EvidenceGate',
    'HDBSCANClusterer',
    'HierarchicalClusterer',
    'KMeansClusterer',
    'Localisation',
    'PristineCentreClusterer',
    'localise',
]
