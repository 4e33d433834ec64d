"""The five losses over pairs and triplets, against their formulas written pixel by pixel in float64."""

from functools import cache, partial

import loss_references
import pytest
import torch
from loss_references import random_map, random_target, reference, relative_error
from pytorch_metric_learning import losses as peers
from pytorch_metric_learning.distances import CosineSimilarity, LpDistance
from pytorch_metric_learning.reducers import MeanReducer
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models.losses import (
    CircleLoss,
    DCLLoss,
    InfoNCELoss,
    InfoNCEPlusPlusLoss,
    QueryLoss,
    TripletLoss,
    streaming,
)

FORMULAS = {
    'expectation': (InfoNCEPlusPlusLoss, dict(temperature=0.1), loss_references.expectation),
    'expectation, cold': (InfoNCEPlusPlusLoss, dict(temperature=0.05), loss_references.expectation),
    'mean_exp': (
        partial(InfoNCEPlusPlusLoss, positives='mean_exp'),
        dict(temperature=0.1),
        loss_references.mean_exp,
    ),
    'mean_exp, cold': (
        partial(InfoNCEPlusPlusLoss, positives='mean_exp'),
        dict(temperature=0.05),
        loss_references.mean_exp,
    ),
    'InfoNCE': (InfoNCELoss, dict(temperature=0.1), loss_references.info_nce),
    'InfoNCE, cold': (InfoNCELoss, dict(temperature=0.05), loss_references.info_nce),
    'DCL': (DCLLoss, dict(temperature=0.1), loss_references.dcl),
    'DCL, cold': (DCLLoss, dict(temperature=0.05), loss_references.dcl),
    'triplet': (TripletLoss, dict(margin=1.0), loss_references.triplet),
    'triplet, short': (TripletLoss, dict(margin=0.05), loss_references.triplet),
    'hard triplet': (partial(TripletLoss, mining='hard'), dict(margin=1.0), loss_references.hard_triplet),
    'circle': (CircleLoss, dict(margin=0.4, gamma=80.0), loss_references.circle),
    'circle, steep': (CircleLoss, dict(margin=0.25, gamma=256.0), loss_references.circle),
}
EACH = pytest.mark.parametrize('name', FORMULAS)
BLOCKS = pytest.mark.parametrize('block', [1 << 20, 60, 1], ids=['whole', 'some rows', 'row by row'])


def make(name: str, **options: object) -> tuple[QueryLoss, partial]:
    """The loss, and its formula for one query."""
    kind, parameters, formula = FORMULAS[name]
    return kind(**parameters, **options), partial(formula, **parameters)


def by_formula(name: str, embeddings: Tensor, target: Tensor, **options: str) -> tuple[Tensor, Tensor]:
    """The value and the gradient, in float64."""
    exact = embeddings.detach().double().requires_grad_()
    value = reference(make(name, **options)[1], exact, target, **options)
    value.backward()
    return value.detach(), exact.grad


@cache
def of_size(name: str, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    return by_formula(name, random_map(2, 6, *size), random_target(2, *size))


def assert_equals(wanted: tuple[Tensor, Tensor], name: str, embeddings: Tensor, target: Tensor, **options: str) -> None:
    value, gradient = wanted
    found = make(name, **options)[0](embeddings, target)
    found.backward()
    assert value != 0
    assert relative_error(found, value) < 1e-5
    assert relative_error(embeddings.grad, gradient) < 1e-5


def assert_equals_formula(name: str, embeddings: Tensor, target: Tensor, **options: str) -> None:
    assert_equals(by_formula(name, embeddings, target, **options), name, embeddings, target, **options)


@EACH
@BLOCKS
@pytest.mark.parametrize('size', [(5, 5), (7, 3), (2, 9)])
def test_value_and_gradient_equal_the_formula(
    monkeypatch: pytest.MonkeyPatch, name: str, block: int, size: tuple[int, int]
) -> None:
    monkeypatch.setattr(streaming, 'SIMILARITIES_PER_BLOCK', block)
    assert_equals(of_size(name, size), name, random_map(2, 6, *size), random_target(2, *size))


@EACH
@pytest.mark.parametrize('queries', ['pristine', 'both'])
@pytest.mark.parametrize('scope', ['image', 'batch'])
def test_scopes_and_queries_equal_the_formula(name: str, queries: str, scope: str) -> None:
    target = random_target(3, 2, 4)
    target[1] = 0
    assert_equals_formula(name, random_map(3, 6, 2, 4), target, queries=queries, scope=scope)


@EACH
@pytest.mark.parametrize('queries', ['pristine', 'both'])
@pytest.mark.parametrize('lone', [0, 1], ids=['one pristine', 'one forged'])
def test_a_side_of_one_pixel_equals_the_formula(name: str, queries: str, lone: int) -> None:
    target = torch.full((1, 3, 5), 1 - lone)
    target[0, 1, 4] = lone
    if queries == 'pristine' and lone == 0:
        loss, _ = make(name)
        assert loss(random_map(1, 6, 3, 5), target) == 0
    else:
        assert_equals_formula(name, random_map(1, 6, 3, 5), target, queries=queries)


# The weights of circle loss take no gradient, so that its gradient is not the value's derivative.
@pytest.mark.parametrize('name', [name for name in FORMULAS if 'circle' not in name])
@pytest.mark.parametrize('queries', ['pristine', 'both'])
def test_the_gradient_is_the_derivative(monkeypatch: pytest.MonkeyPatch, name: str, queries: str) -> None:
    monkeypatch.setattr(streaming, 'SIMILARITIES_PER_BLOCK', 40)
    embeddings, target = random_map(1, 3, 3, 4, dtype=torch.float64), random_target(1, 3, 4, ignored=False)
    loss, _ = make(name, queries=queries)
    assert torch.autograd.gradcheck(lambda each: loss(each, target), embeddings, atol=1e-4)


@EACH
@pytest.mark.parametrize('spread', [0.0, 1e-6, 1e-3])
def test_collapsed_embeddings_give_a_finite_loss_and_gradient(name: str, spread: float) -> None:
    embeddings = random_map(1, 6, 1, 1).detach() + spread * random_map(1, 6, 8, 8, seed=3).detach()
    embeddings = F.normalize(embeddings, dim=1).requires_grad_()
    for dtype in (torch.float32, torch.bfloat16):
        loss, _ = make(name, queries='both')
        value = loss(embeddings.to(dtype), random_target(1, 8, 8))
        value.backward()
        assert value.isfinite() and embeddings.grad.isfinite().all()


@EACH
def test_embeddings_as_far_apart_as_they_can_be_give_a_finite_loss_and_gradient(name: str) -> None:
    target = random_target(1, 6, 6)
    pole = torch.zeros(1, 4, 6, 6)
    for sign in (1, -1):
        pole[:, 0] = torch.where(target == 0, 1.0, -1.0) * sign
        pole[:, 0, ::2] *= sign
        embeddings = pole.clone().requires_grad_()
        loss, _ = make(name)
        value = loss(embeddings, target)
        value.backward()
        assert value.isfinite() and embeddings.grad.isfinite().all()


@pytest.mark.parametrize(
    ('loss', 'peer'),
    [
        (
            InfoNCELoss(0.1, queries='both'),
            peers.NTXentLoss(temperature=0.1),
        ),
        (
            TripletLoss(0.3, queries='both'),
            peers.TripletMarginLoss(margin=0.3, distance=LpDistance(), reducer=MeanReducer()),
        ),
        (
            CircleLoss(0.4, 80.0, queries='both'),
            peers.CircleLoss(m=0.4, gamma=80, distance=CosineSimilarity()),
        ),
    ],
    ids=['InfoNCE', 'triplet', 'circle'],
)
def test_equal_sides_give_what_pytorch_metric_learning_gives(loss: QueryLoss, peer: torch.nn.Module) -> None:
    # It averages over pairs, we over queries: the same where both sides have as many pixels.
    target = (torch.arange(36) % 2).view(1, 6, 6)
    embeddings, same = random_map(1, 6, 6, 6), random_map(1, 6, 6, 6)
    # It brings embeddings to unit length itself, which takes the radial part out of the gradient.
    value = loss(F.normalize(embeddings, dim=1), target)
    wanted = peer(same[0].flatten(1).T, target.flatten())
    value.backward()
    wanted.backward()
    torch.testing.assert_close(value, wanted, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(embeddings.grad, same.grad, rtol=1e-4, atol=1e-6)
