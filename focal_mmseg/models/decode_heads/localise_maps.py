"""Clustering of embedding maps, one image at a time."""

from collections.abc import Callable, Sequence

from torch import Tensor

from focal_mmseg.clustering import Clusterer, Localisation

from .coarsening import coarsened, refined


def localise_maps(
    clusterer: Clusterer,
    maps: Sequence[Tensor],
    batch_img_metas: Sequence[dict],
    max_points: int,
    gate: Callable[[Tensor, Localisation], Localisation] | None = None,
) -> tuple[list[Localisation], list[Tensor]]:
    """Cluster the embeddings of each image alone.

    Args:
        clusterer (Clusterer): What clusters.
        maps (Sequence[Tensor]): Unit-length embeddings of shape (C, h_i, w_i), one an image, without padding.
        batch_img_metas (Sequence[dict]): One an image; ``img_path`` names it in an error.
        max_points (int): Most points that are clustered; a larger map is made coarser, see :func:`coarsened`.
        gate (Callable, optional): As :class:`EvidenceGate`; decides anew what is forged. Defaults to None.

    Returns:
        tuple[list[Localisation], list[Tensor]]: One an image each: what was found, at the points that were clustered,
        row by row, and the forged scores of the map, float32 in [0, 1] of shape (h_i, w_i).

    Raises:
        ValueError: If an image cannot be clustered; the message names the images of the batch.
    """
    coarse = [coarsened(each, max_points) for each in maps]
    grids = [tuple(each.shape[1:]) for each in coarse]
    points = [each.flatten(1).T for each in coarse]
    try:
        found = clusterer.localise_batch(points, grids)
    except ValueError as error:
        paths = ', '.join(str(meta.get('img_path', 'an image without img_path')) for meta in batch_img_metas)
        raise ValueError(f'cannot cluster the batch of {paths}: {error}') from error
    if gate is not None:
        found = [gate(*image) for image in zip(points, found, strict=True)]
    scores = [refined(one.score, each.shape[1:], max_points) for one, each in zip(found, maps, strict=True)]
    return found, scores
