import numpy as np
import pytest
import torch
from loss_references import pixels_of, random_map, random_target, relative_error, soft_contrastive
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models.losses import SoftContrastiveLoss


def two_groups(sizes: tuple[int, int] = (40, 20), spread: float = 0.2) -> Tensor:
    """Embeddings (1, C, 1, P) around two axes, the first group first."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.eye(6)[torch.arange(2).repeat_interleave(torch.tensor(sizes))]
    points = F.normalize(centres + spread * torch.randn(centres.shape, generator=generator), dim=1)
    return points.T[None, :, None].clone()


@pytest.mark.parametrize('fuzziness', [1.5, 2.0, 3.0])
@pytest.mark.parametrize('temperature', [0.05, 0.1, 1.0])
@pytest.mark.parametrize('updates', [0, 1, 4])
@pytest.mark.parametrize('size', [(4, 5), (3, 7)])
def test_value_and_gradient_equal_the_formula(
    fuzziness: float, temperature: float, updates: int, size: tuple[int, int]
) -> None:
    embeddings, target = random_map(2, 5, *size), random_target(2, *size)
    exact = embeddings.detach().double().requires_grad_()
    images = [pixels_of(exact[i : i + 1], target[i : i + 1]) for i in range(2)]
    wanted = sum(soft_contrastive(*image, temperature, fuzziness, updates) for image in images) / 2
    wanted.backward()
    found = SoftContrastiveLoss(temperature, fuzziness, updates, tolerance=1e-12)(embeddings, target)
    found.backward()
    torch.testing.assert_close(found.double(), wanted, rtol=1e-5, atol=1e-6)
    assert relative_error(embeddings.grad, exact.grad) < 1e-5


def test_batch_scope_equals_the_formula() -> None:
    embeddings, target = random_map(2, 5, 3, 4, dtype=torch.float64), random_target(2, 3, 4)
    wanted = soft_contrastive(*pixels_of(embeddings, target), temperature=0.1, fuzziness=2.0, updates=3)
    found = SoftContrastiveLoss(max_updates=3, scope='batch')(embeddings, target)
    assert relative_error(found, wanted) < 1e-10


def test_without_updates_the_gradient_is_the_derivative() -> None:
    embeddings, target = random_map(1, 3, 3, 4, dtype=torch.float64), random_target(1, 3, 4, ignored=False)
    loss = SoftContrastiveLoss(max_updates=0)
    assert torch.autograd.gradcheck(lambda each: loss(each, target), embeddings)


def test_without_updates_the_weights_are_the_mask() -> None:
    weights = SoftContrastiveLoss(max_updates=0).soft_weights(torch.rand(5, 3), 2)
    assert weights.tolist() == [[1, 0], [1, 0], [0, 1], [0, 1], [0, 1]]


def test_weights_are_shares_and_a_fixed_point_of_fuzzy_c_means() -> None:
    loss = SoftContrastiveLoss(max_updates=1000, tolerance=1e-9)
    embeddings = two_groups()[0, :, 0].T.double()
    weights = loss.soft_weights(embeddings, 40)
    assert torch.allclose(weights.sum(1), torch.ones(60, dtype=torch.float64)) and (weights >= 0).all()

    powers = weights.numpy() ** 2
    centres = powers.T @ embeddings.numpy() / powers.sum(0)[:, None]
    squared = ((embeddings.numpy()[:, None] - centres) ** 2).sum(2)
    wanted = (1 / squared) / (1 / squared).sum(1, keepdims=True)
    np.testing.assert_allclose(weights.numpy(), wanted, atol=1e-8)


def test_a_wrong_label_is_made_soft() -> None:
    embeddings = two_groups()
    order = [*range(38), *range(38, 60)]  # two of the first group are called forged
    weights = SoftContrastiveLoss().soft_weights(embeddings[0, :, 0].T[order], 38)
    assert (weights[38:40, 0] > 0.8).all()


@pytest.mark.parametrize('fuzziness', [1.01, 2.0, 50.0])
def test_embeddings_on_the_centres_give_finite_weights(fuzziness: float) -> None:
    loss = SoftContrastiveLoss(fuzziness=fuzziness)
    same = torch.ones(6, 4) / 2
    assert torch.equal(loss.soft_weights(same, 3), torch.full((6, 2), 0.5))
    apart = torch.eye(4)[[0, 0, 0, 1, 1, 1]]
    weights = loss.soft_weights(apart, 3)
    assert weights.isfinite().all()
    torch.testing.assert_close(weights[:, 0], torch.tensor([1.0, 1, 1, 0, 0, 0]))


@pytest.mark.parametrize('target', [[0, 1], [0, 0, 0, 1], [0, 1, 1, 1]])
def test_one_pixel_of_a_class_is_enough(target: list[int]) -> None:
    embeddings = random_map(1, 4, 1, len(target))
    loss = SoftContrastiveLoss()(embeddings, torch.tensor(target).view(1, 1, -1))
    loss.backward()
    assert loss.isfinite() and embeddings.grad.isfinite().all() and embeddings.grad.abs().sum() > 0


@pytest.mark.parametrize('spread', [0.0, 1e-6])
def test_collapsed_embeddings_give_a_finite_loss_and_gradient(spread: float) -> None:
    embeddings = random_map(1, 6, 1, 1).detach() + spread * random_map(1, 6, 8, 8, seed=3).detach()
    embeddings.requires_grad_()
    value = SoftContrastiveLoss(temperature=0.05)(embeddings, random_target(1, 8, 8))
    value.backward()
    assert value.isfinite() and embeddings.grad.isfinite().all()


def trained_cosines(loss: SoftContrastiveLoss, spread: float) -> tuple[float, float]:
    """Mean cosines within the larger group and between the two, after training two groups of embeddings themselves."""
    free = two_groups(spread=spread).requires_grad_()
    target = (torch.arange(60) >= 40).long().view(1, 1, -1)
    optimiser = torch.optim.Adam([free], lr=0.02)
    for _ in range(200):
        optimiser.zero_grad()
        loss(F.normalize(free, dim=1), target).backward()
        optimiser.step()
    points = F.normalize(free, dim=1)[0, :, 0].T.detach()
    return (points[:40] @ points[:40].T).mean().item(), (points[:40] @ points[40:].T).mean().item()


@pytest.mark.parametrize(('updates', 'spread'), [(0, 0.3), (100, 0.3), (0, 1.0)])
def test_it_pulls_apart_what_it_can_tell_apart(updates: int, spread: float) -> None:
    within, between = trained_cosines(SoftContrastiveLoss(max_updates=updates), spread)
    assert within > 0.99 and between < -0.99


def test_converged_weights_forget_a_mask_that_the_embeddings_do_not_show() -> None:
    within, between = trained_cosines(SoftContrastiveLoss(), 1.0)
    assert within < 0.2 and between > -0.2
