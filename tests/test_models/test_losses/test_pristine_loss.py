import math

import pytest
import torch
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def loss(embeddings: Tensor, target: Tensor, **options: object) -> Tensor:
    return MODELS.build(dict(type='PristineLoss', **options))(embeddings, target)


def at(*degrees: float) -> Tensor:
    """Two-dimensional embeddings at angles, as an image one pixel high."""
    angles = torch.tensor(degrees, dtype=torch.float64) * math.pi / 180
    return torch.stack([angles.cos(), angles.sin()])[None, :, None]


@pytest.mark.parametrize(
    ('degrees', 'expected'),
    [
        ((30, 30, 30), 0),
        ((0, 180), 1),
        ((0, 90), 1 - math.sqrt(0.5)),
        ((0, 120, 240), 1),
        ((0, 60), 1 - math.sqrt(0.75)),
    ],
)
def test_it_is_one_less_the_length_of_the_mean(degrees: tuple, expected: float) -> None:
    found = loss(at(*degrees), torch.zeros(1, 1, len(degrees), dtype=torch.long))
    assert float(found) == pytest.approx(expected, abs=1e-6)


def test_forged_images_count_as_zero_and_ignored_pixels_not_at_all() -> None:
    embeddings = torch.cat([at(0, 180, 0, 90)] * 3)
    target = torch.tensor([[[0, 0, 0, 1]], [[0, 255, 0, 255]], [[255] * 4]])
    assert float(loss(embeddings[:1], target[:1])) == 0
    assert float(loss(embeddings[1:2], target[1:2])) == pytest.approx(0, abs=1e-6)
    target = torch.tensor([[[0, 0, 0, 1]], [[0, 0, 255, 255]], [[255] * 4]])
    # The mean over all images of the batch.
    assert float(loss(embeddings, target)) == pytest.approx(1 / 3)
    assert float(loss(embeddings, target, loss_weight=3.0)) == pytest.approx(1)


def test_its_gradient_pulls_the_embeddings_together() -> None:
    free = torch.randn(1, 4, 5, 5, generator=torch.Generator().manual_seed(0)).requires_grad_()
    target = torch.zeros(1, 5, 5, dtype=torch.long)
    optimizer = torch.optim.Adam([free], lr=0.1)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        found = loss(F.normalize(free, dim=1), target)
        found.backward()
        optimizer.step()
        losses.append(float(found))
    assert losses[0] > 0.3 and losses[-1] < 0.01


def test_the_gradient_is_finite_where_the_embeddings_cancel_out() -> None:
    embeddings = at(0, 180).requires_grad_()
    loss(embeddings, torch.zeros(1, 1, 2, dtype=torch.long)).backward()
    assert embeddings.grad.isfinite().all()


def test_it_computes_in_float32_under_autocast() -> None:
    embeddings = F.normalize(torch.randn(2, 8, 6, 6, generator=torch.Generator().manual_seed(0)), dim=1)
    target = torch.zeros(2, 6, 6, dtype=torch.long)
    plain = loss(embeddings, target)
    with torch.autocast('cpu', torch.bfloat16):
        found = loss(embeddings, target)
    assert found.dtype == torch.float32 and torch.equal(found, plain)


def test_a_merged_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="scope must be 'image'"):
        MODELS.build(dict(type='PristineLoss', scope='batch'))
