"""What clustering found, in the data samples."""

import pickle
from dataclasses import replace

import pytest
import torch
from mmseg.structures import SegDataSample
from torch import Tensor

from focal_mmseg.clustering import localise
from focal_mmseg.models.embedding_maps import LocalisedMap
from focal_mmseg.models.segmentors.clustering_fields import merge_clustering, write_clustering

GRID = (2, 5)


def localised(image_score: float = 0.5, **changes: object) -> LocalisedMap:
    """A map of three clusters, of 6, 3 and 1 points."""
    labels = torch.tensor([0, 0, 0, 1, 1, 0, 0, 0, 1, 2])
    points = torch.eye(3)[labels]
    found = replace(localise(points, labels), grid=GRID, gate_score=image_score, seconds=0.25, **changes)
    return LocalisedMap(found, found.score.view(GRID), points.T.reshape(3, *GRID))


def labels_of(sample: SegDataSample) -> list:
    return sample.pred_clusters.data.tolist()


def test_an_image_has_its_clusters_where_they_lie_and_its_numbers() -> None:
    (sample,) = write_clustering([SegDataSample()], [[localised(probabilities=torch.arange(10) / 10)]])
    assert labels_of(sample) == [[[0, 0, 0, 1, 1], [0, 0, 0, 1, 2]]]
    assert sample.pred_sources.data.shape == (1, *GRID) and sample.pred_sources.data.min() == 1
    assert sample.pred_probabilities.data[0, 1, 0] == 0.5
    assert sample.cluster_distances.tolist() == pytest.approx([0, 2**0.5, 2**0.5])
    numbers = (sample.image_score, sample.num_clusters, sample.noise_share, sample.clustering_seconds)
    assert numbers == (0.5, 3, 0.0, 0.25)
    assert isinstance(sample.num_clusters, int)
    assert 'embeddings' not in sample


def test_embeddings_come_on_request() -> None:
    each = localised()
    (sample,) = write_clustering([SegDataSample()], [[each]], keep_embeddings=True)
    assert torch.equal(sample.embeddings.data, each.embeddings)


@pytest.mark.parametrize(('direction', 'axis'), [('horizontal', -1), ('vertical', -2)])
def test_flips_are_undone(direction: str, axis: int) -> None:
    sample = SegDataSample(metainfo=dict(flip=True, flip_direction=direction))
    write_clustering([sample], [[localised()]], keep_embeddings=True)
    (as_it_lies,) = write_clustering([SegDataSample()], [[localised()]], keep_embeddings=True)
    for name in ('pred_clusters', 'pred_sources', 'embeddings'):
        assert torch.equal(sample.get(name).data, torch.flip(as_it_lies.get(name).data, [axis]))


def test_an_image_of_several_maps_has_means_and_no_clusters() -> None:
    sample = SegDataSample()
    write_clustering([sample], [[localised()]])
    write_clustering([sample, SegDataSample()], [[localised(0.1), localised(0.3)], [localised()] * 2])
    assert sample.image_score == pytest.approx(0.2) and sample.clustering_seconds == 0.5
    assert not {'pred_clusters', 'pred_sources', 'cluster_distances'} & set(sample.keys())


def test_views_are_merged() -> None:
    views = write_clustering([SegDataSample(), SegDataSample()], [[localised(0.1)], [localised(0.5)]])
    merged = merge_clustering(views[0], views)
    assert merged.image_score == pytest.approx(0.3) and merged.clustering_seconds == 0.5
    assert 'pred_clusters' not in merged and 'pred_clusters' in views[1]


def test_one_view_keeps_its_clusters_and_views_without_fields_get_none() -> None:
    (view,) = write_clustering([SegDataSample()], [[localised()]])
    assert 'pred_clusters' in merge_clustering(view, [view])
    assert not merge_clustering(SegDataSample(), [SegDataSample(), SegDataSample()]).keys()


def test_a_sample_crosses_processes_and_becomes_a_dict() -> None:
    (sample,) = write_clustering([SegDataSample(metainfo=dict(img_path='a.png'))], [[localised()]])
    again = pickle.loads(pickle.dumps(sample.cpu()))
    assert labels_of(again) == labels_of(sample) and again.num_clusters == 3
    as_dict = sample.to_dict()
    assert isinstance(as_dict['pred_clusters']['data'], Tensor) and as_dict['image_score'] == 0.5
