"""Clustering of embedding maps, one image at a time."""

from collections.abc import Sequence

from torch import Tensor

from focal_mmseg.clustering import Clusterer, Localisation


def localise_maps(clusterer: Clusterer, maps: Sequence[Tensor], batch_img_metas: Sequence[dict]) -> list[Localisation]:
    """Cluster the embeddings of each image alone.

    Args:
        clusterer (Clusterer): What clusters.
        maps (Sequence[Tensor]): Unit-length embeddings of shape (C, h_i, w_i), one an image, without padding.
        batch_img_metas (Sequence[dict]): One an image; ``img_path`` names it in an error.

    Returns:
        list[Localisation]: One an image, its points row by row.

    Raises:
        ValueError: If an image cannot be clustered; the message names the images of the batch.
    """
    grids = [tuple(each.shape[1:]) for each in maps]
    try:
        return clusterer.localise_batch([each.flatten(1).T for each in maps], grids)
    except ValueError as error:
        paths = ', '.join(str(meta.get('img_path', 'an image without img_path')) for meta in batch_img_metas)
        raise ValueError(f'cannot cluster the batch of {paths}: {error}') from error
