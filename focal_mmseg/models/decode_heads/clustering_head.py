"""What heads share that cluster embeddings: the clusterer, the gate, and how much of a map they take."""

from collections.abc import Sequence

from mmseg.registry import TASK_UTILS
from mmseg.utils import ConfigType
from torch import Tensor

from focal_mmseg.clustering.map_size import check_max_points
from focal_mmseg.models.embedding_maps import LocalisedMap, localise_maps


class ClusteringHead:
    """A mixin of heads; it keeps nothing of an image for another.

    Attributes:
        clusterer (Clusterer): What clusters.
        gate (Callable | None): What decides anew which points are forged.
        max_points (int): Most embeddings of an image that are clustered.
        keep_embeddings (bool): Whether the data sample gets the embeddings that were clustered.
    """

    def _set_clustering(
        self, clusterer: ConfigType, gate: ConfigType | None, max_points: int, keep_embeddings: bool
    ) -> None:
        """Build the clusterer and the gate, and check the rest."""
        self.clusterer = TASK_UTILS.build(clusterer)
        self.gate = TASK_UTILS.build(gate) if gate else None
        self.max_points = check_max_points(max_points)
        self.keep_embeddings = keep_embeddings

    def localise(self, maps: Sequence[Tensor], batch_img_metas: Sequence[dict]) -> list[LocalisedMap]:
        """Cluster each map alone.

        Args:
            maps (Sequence[Tensor]): Unit-length embeddings of shape (C, h_i, w_i), one an image, without padding.
            batch_img_metas (Sequence[dict]): One an image; ``img_path`` names it in an error.

        Returns:
            list[LocalisedMap]: One an image.

        Raises:
            ValueError: If an image cannot be clustered.
        """
        return localise_maps(self.clusterer, maps, batch_img_metas, self.max_points, self.gate)
