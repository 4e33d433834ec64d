"""Clustering of one image's embeddings: plain tensors in, labels and scores out."""

from .base import Clusterer, Localisation, localise
from .hdbscan_clusterer import HDBSCANClusterer
from .kmeans_clusterer import KMeansClusterer

__all__ = ['Clusterer', 'HDBSCANClusterer', 'KMeansClusterer', 'Localisation', 'localise']
