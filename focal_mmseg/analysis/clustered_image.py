"""An image's embeddings, and what several clusterers make of them, each asked once."""

from functools import cached_property
from typing import cast

import numpy as np
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from torch import Tensor

from focal_mmseg.apis.embeddings import EmbeddedImage
from focal_mmseg.clustering import (
    BIRCHClusterer,
    Clusterer,
    EvidenceGate,
    HDBSCANClusterer,
    KMeansClusterer,
    Localisation,
    PristineCentreClusterer,
    localise,
)
from focal_mmseg.clustering.spanning_tree import mutual_reachability_tree

from .von_mises_fisher import two_von_mises_fisher

CLUSTERERS: dict[str, Clusterer] = {
    'pristine centre': PristineCentreClusterer(),
    'BIRCH': BIRCHClusterer(),
    'BIRCH, 4 clusters': BIRCHClusterer(n_clusters=4),
    'K-means': KMeansClusterer(),
    'K-means, 4 clusters': KMeansClusterer(n_clusters=4),
}
# On one spanning tree.
HDBSCANS = {'HDBSCAN': HDBSCANClusterer(), 'HDBSCAN, always split': HDBSCANClusterer(allow_single_cluster=False)}
MIXTURES = ('tied Gaussians', 'von Mises-Fisher', 'von Mises-Fisher, tied')
# Axes of the tied Gaussians; in all of them a covariance of few hundred points is mostly noise.
AXES = 8


class ClusteredImage:
    """Asks a clusterer of ``CLUSTERERS``, ``HDBSCANS`` or ``MIXTURES`` by its name, when it is first needed.

    Args:
        image (EmbeddedImage): Whose embeddings are clustered.
    """

    def __init__(self, image: EmbeddedImage) -> None:
        self.image = image
        self.points = image.points
        self.grid = image.grid
        self._found: dict[str, Localisation] = {}
        self._mixtures: dict[str, tuple[Tensor, float]] = {}

    @cached_property
    def tree(self) -> np.ndarray:
        """The minimum spanning tree of HDBSCAN, float64 of shape (P - 1, 3)."""
        return mutual_reachability_tree(self.points, cast(int, HDBSCANS['HDBSCAN'].min_samples))

    @cached_property
    def pristine_distance(self) -> Tensor:
        """1 - cosine to the robust pristine centre, (P,)."""
        return (1 - self.points @ PristineCentreClusterer().pristine_centre(self.points)).clamp(min=0)

    def mixture(self, name: str) -> tuple[Tensor, float]:
        """Of a von Mises-Fisher mixture: the probability of each point's second component, and the gain over one."""
        if name not in self._mixtures:
            start = self.found('pristine centre').labels > 0
            self._mixtures[name] = two_von_mises_fisher(self.points, start, tied=name.endswith('tied'))
        return self._mixtures[name]

    def found(self, name: str) -> Localisation:
        """What a clusterer finds, with the paper's rule."""
        if name not in self._found:
            self._found[name] = self._localise(name)
        return self._found[name]

    def _localise(self, name: str) -> Localisation:
        if name in CLUSTERERS:
            return CLUSTERERS[name].localise(self.points)
        if name in HDBSCANS:
            return localise(self.points, HDBSCANS[name].tree_memberships(self.tree)[0])
        if name == 'tied Gaussians':
            axes = PCA(min(AXES, *self.points.shape), random_state=0).fit_transform(self.points.double().numpy())
            return localise(self.points, GaussianMixture(2, covariance_type='tied', random_state=0).fit_predict(axes))
        return localise(self.points, (self.mixture(name)[0] > 0.5).long())

    def evidence(self, name: str) -> Tensor:
        """The gate's evidence by a clusterer's centres, float32 of shape (P,)."""
        return EvidenceGate().evidence(self.points, self.found(name).labels)

    def to_map(self, values: Tensor) -> np.ndarray:
        """Values of the points (P,) as the map that they are, float32 of shape (h, w)."""
        return values.float().reshape(self.grid).numpy()
