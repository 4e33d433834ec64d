"""Clustering of one image's embeddings: plain tensors in, labels and scores out."""

from .base import Clusterer, Localisation, localise
from .birch_clusterer import BIRCHClusterer
from .bisecting_kmeans_clusterer import BisectingKMeansClusterer
from .evidence_gate import EvidenceGate
from .hdbscan_clusterer import HDBSCANClusterer
from .hierarchical_clusterer import HierarchicalClusterer
from .kmeans_clusterer import KMeansClusterer
from .pristine_centre_clusterer import PristineCentreClusterer

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
