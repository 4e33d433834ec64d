"""What the public entries of clusterers take, and refuse at once."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.clustering import (
    BIRCHClusterer,
    BisectingKMeansClusterer,
    Clusterer,
    HDBSCANClusterer,
    HierarchicalClusterer,
    KMeansClusterer,
    localise,
)

CLUSTERERS = (
    BIRCHClusterer(),
    BisectingKMeansClusterer(),
    HDBSCANClusterer(5, 3),
    HierarchicalClusterer(),
    KMeansClusterer(),
)
GRID = (6, 8)


@pytest.fixture(params=CLUSTERERS, ids=lambda each: type(each).__name__)
def clusterer(request: pytest.FixtureRequest) -> Clusterer:
    return request.param


@pytest.fixture
def points() -> Tensor:
    """Two groups, far from each other."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.eye(4)[[0] * 30 + [1] * 18]
    return F.normalize(centres + 0.1 * torch.randn(48, 4, generator=generator), dim=1)


def entries(clusterer: Clusterer) -> list[Callable]:
    """Every way to ask for labels, or for what is forged."""
    return [
        clusterer.fit_predict,
        lambda points: clusterer.fit_predict_grid(points, GRID),
        lambda points: clusterer.localise(points, GRID).forged,
        lambda points: clusterer.localise_batch([points])[0].forged,
    ]


@pytest.mark.parametrize(
    'form',
    [
        lambda points: points.clone().requires_grad_(),
        lambda points: points.clone().requires_grad_() * 1,
        lambda points: points.numpy(),
        lambda points: np.asfortranarray(points.numpy()),
        lambda points: points.double(),
        lambda points: points.half(),
        lambda points: points.bfloat16(),
        lambda points: points.numpy().astype(np.float16),
    ],
    ids=['leaf', 'graph', 'array', 'fortran', 'float64', 'float16', 'bfloat16', 'float16 array'],
)
def test_embeddings_in_any_form_give_the_same_clusters(clusterer: Clusterer, points: Tensor, form: Callable) -> None:
    for entry in entries(clusterer):
        found = entry(form(points))
        assert isinstance(found, Tensor) and found.shape == (48,) and not found.requires_grad
        assert adjusted_rand_score(found, entry(points)) == 1.0


@pytest.mark.parametrize(
    ('form', 'error', 'says'),
    [
        (lambda points: points.index_fill(0, torch.tensor([7]), float('nan')), ValueError, 'NaN or infinity'),
        (lambda points: points.index_fill(0, torch.tensor([7]), float('inf')).numpy(), ValueError, 'NaN or infinity'),
        (lambda points: points[None], ValueError, r'expected embeddings \(P, C\).*got \(1, 48, 4\)'),
        (lambda points: points[:0], ValueError, 'at least one point'),
        (lambda points: points.numpy().astype(object), TypeError, 'real numbers, got object'),
        (lambda points: points.to(torch.complex64), TypeError, 'real numbers, got torch.complex64'),
        (lambda points: points > 0, TypeError, 'real numbers, got torch.bool'),
        (lambda points: points.tolist(), TypeError, 'real numbers, got list'),
    ],
    ids=['nan', 'inf array', 'three axes', 'empty', 'objects', 'complex', 'bool', 'list'],
)
def test_what_is_no_embedding_is_refused_at_once(
    clusterer: Clusterer, points: Tensor, form: Callable, error: type[Exception], says: str
) -> None:
    for entry in entries(clusterer):
        with pytest.raises(error, match=says):
            entry(form(points))


def test_a_grid_of_another_size_is_refused(clusterer: Clusterer, points: Tensor) -> None:
    with pytest.raises(ValueError, match='a grid of 5 x 5 does not hold 48 embeddings'):
        clusterer.fit_predict_grid(points, (5, 5))


def test_the_rule_takes_what_clusterers_give_and_refuses_the_rest(points: Tensor) -> None:
    labels = KMeansClusterer().fit_predict(points)
    expected = localise(points, labels)
    found = localise(points.numpy(), labels.numpy())
    assert torch.equal(found.forged, expected.forged) and torch.equal(found.score, expected.score)
    with pytest.raises(ValueError, match='NaN or infinity'):
        localise(points * float('nan'), labels)
    with pytest.raises(ValueError, match=r'a label for each of 48 embeddings, got \(47,\)'):
        localise(points, labels[:47])
    with pytest.raises(TypeError, match='whole numbers'):
        localise(points, labels.float())
    with pytest.raises(ValueError, match='noise must be one of'):
        localise(points, labels, 'ignored')
