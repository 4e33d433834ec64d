"""Clustering of one image's embeddings: plain tensors in, labels and scores out."""

from .base import Clusterer, Localisation, localise
from .birch_clusterer import BIRCHClusterer
from .bisecting_kmeans_clusterer import BisectingKMeansClusterer
from .hdbscan_clusterer import HDBSCANClusterer
from .hierarchical_clusterer import HierarchicalClusterer
from .kmeans_clusterer import KMeansClusterer

__all__ = [
    'BIRCHClusterer',
    'BisectingKMeansClusterer',
    'Clusterer',
    'HDBSCANClusterer',
    'HierarchicalClusterer',
    'KMeansClusterer',
    'Localisation',
    'localise',
]
