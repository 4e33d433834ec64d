"""What was found in an image, in its data sample: hooks, metrics, the inferencer and your own code read it there.

Beside mmseg's ``seg_logits`` and ``pred_sem_seg`` a sample of :class:`FOCALEncoderDecoder` and :class:`FOCALFusion` has

- ``image_score`` (float): How surely something in the image is forged, in [0, 1]: the gate's score, or without a gate
  how little alike the embeddings are.
- ``num_clusters`` (float): Clusters found, noise not counted.
- ``noise_share`` (float): Share of the points that the clusterer left without a cluster, in [0, 1].
- ``clustering_seconds`` (float): What the clustering took.

and, at the grid (h, w) of the embeddings that were clustered, which covers the image without its padding:

- ``pred_clusters`` (PixelData): int64 (1, h, w): the cluster of each point, 0 the pristine one, 1.. the others from
  large to small, -1 noise.
- ``pred_sources`` (PixelData): int64 (1, h, w): the cluster that each point comes from if it is forged, see
  :attr:`Localisation.sources`.
- ``pred_probabilities`` (PixelData): float32 (1, h, w) in [0, 1]: how surely each point belongs to its cluster. Only of
  clusterers that know, as HDBSCAN.
- ``cluster_distances`` (Tensor): float32 (K,): from each cluster's centre to that of the pristine one, Euclidean.
- ``embeddings`` (PixelData): float (C, h, w), unit length. Only with ``keep_embeddings=True`` of the decode head.

Where an image was clustered several times (a fusion that clusters each member, the views of test-time augmentation),
the numbers are means, the seconds a sum, and there are none of the others: clusters of two maps have no common names.
"""

from collections.abc import Mapping, Sequence
from statistics import mean

import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from mmseg.utils import SampleList
from torch import Tensor

from focal_mmseg.models.embedding_maps import LocalisedMap

NUMBERS = ('image_score', 'num_clusters', 'noise_share', 'clustering_seconds')
OF_ONE_MAP = ('pred_clusters', 'pred_sources', 'pred_probabilities', 'cluster_distances', 'embeddings')


def write_clustering(
    samples: SampleList, localised: Sequence[Sequence[LocalisedMap]], keep_embeddings: bool = False
) -> SampleList:
    """Write what clustering found into data samples.

    Args:
        samples (list[SegDataSample]): The images of a batch.
        localised (Sequence[Sequence[LocalisedMap]]): For each image its maps, one or more. A flip that the sample's
            meta tells of is undone.
        keep_embeddings (bool): Whether the embeddings are written too. Defaults to False.

    Returns:
        list[SegDataSample]: The same.
    """
    for sample, maps in zip(samples, localised, strict=True):
        _drop_maps(sample)
        found = [each.found for each in maps]
        values: tuple[Sequence[float], ...] = (
            [each.image_score for each in found],
            [each.num_clusters for each in found],
            [each.noise_share for each in found],
            [each.seconds for each in found],
        )
        _write_numbers(sample, dict(zip(NUMBERS, values, strict=True)))
        if len(maps) == 1 and found[0].grid is not None:
            _write_maps(sample, maps[0], found[0].grid, keep_embeddings)
    return samples


def merge_clustering(sample: SegDataSample, views: SampleList) -> SegDataSample:
    """Write into one sample what clustering found in the views of an image.

    Args:
        sample (SegDataSample): It may be one of the views.
        views (list[SegDataSample]): As :func:`write_clustering` left them, or with none of its fields.

    Returns:
        SegDataSample: The first.
    """
    _write_numbers(
        sample, {name: [view.get(name) for view in views] for name in NUMBERS if all(name in view for view in views)}
    )
    if len(views) > 1:
        _drop_maps(sample)
    return sample


def _drop_maps(sample: SegDataSample) -> None:
    """Remove what is of one map, as an earlier prediction or a view left it."""
    for name in OF_ONE_MAP:
        sample.pop(name, None)


def _write_numbers(sample: SegDataSample, values: Mapping[str, Sequence[float]]) -> None:
    """Write means, and sums of seconds."""
    for name, each in values.items():
        sample.set_field(sum(each) if name == 'clustering_seconds' else mean(each), name)


def _write_maps(sample: SegDataSample, localised: LocalisedMap, grid: tuple[int, int], keep_embeddings: bool) -> None:
    found = localised.found
    values = dict(pred_clusters=found.labels, pred_sources=found.sources, pred_probabilities=found.probabilities)
    maps = {name: each.reshape(1, *grid) for name, each in values.items() if each is not None}
    if keep_embeddings:
        maps['embeddings'] = localised.embeddings
    meta = sample.metainfo
    sample.set_data({name: PixelData(data=_unflipped(each, meta)) for name, each in maps.items()})
    sample.set_data(dict(cluster_distances=found.centre_distances))


def _unflipped(plane: Tensor, meta: dict) -> Tensor:
    """A map (..., h, w) as the image lies, as mmseg undoes flips of the logits."""
    if not meta.get('flip'):
        return plane
    return torch.flip(plane, [-1 if meta['flip_direction'] == 'horizontal' else -2])
