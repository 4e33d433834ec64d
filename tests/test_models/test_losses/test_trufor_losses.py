"""TruFor's losses, each against explicit loops."""

import math

import numpy as np
import pytest
import torch
from mmseg.registry import MODELS
from torch import Tensor

from focal_mmseg.models.losses import ForgedImageLoss, ForgeryDiceLoss, TrueClassProbabilityLoss

IGNORED = 255


def masks(images: int = 3, height: int = 24, width: int = 31, seed: int = 0) -> Tensor:
    """A forged rectangle in each, with some ignored columns; the last is pristine."""
    chance = np.random.default_rng(seed)
    made = torch.zeros(images, height, width, dtype=torch.int64)
    for mask in made[:-1]:
        top, left = chance.integers(0, 6, 2)
        mask[top : top + 17, left : left + 19] = 1
    made[:, :, -3:] = IGNORED
    return made


def logits(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).requires_grad_()


def test_dice_is_of_the_forged_score_image_by_image() -> None:
    target, x = masks(), logits(3, 2, 24, 31)
    wanted = []
    for mask, image in zip(target.numpy(), x.detach().softmax(1)[:, 1].double().numpy(), strict=True):
        shared = squares = truth = 0.0
        for value, label in zip(image.ravel(), mask.ravel(), strict=True):
            if label != IGNORED:
                shared, squares, truth = shared + value * label, squares + value**2, truth + label
        wanted.append(1 - 2 * shared / (squares + truth + 1e-5))
    found = ForgeryDiceLoss()(x, target)
    assert found.item() == pytest.approx(np.mean(wanted), abs=1e-6)
    assert wanted[-1] == 1
    found.backward()
    assert x.grad[:-1].any() and not x.grad[-1].any() and not x.grad[..., -3:].any()


def test_dice_of_ignored_images_is_one_and_of_a_perfect_mask_nothing() -> None:
    target = masks()
    sure = torch.stack([target == 0, target == 1], 1) * 60.0
    assert float(ForgeryDiceLoss()(sure[:2], target[:2])) == pytest.approx(0, abs=1e-6)
    nothing = torch.full_like(target, IGNORED)
    for eps in (0.0, 1e-5):
        assert float(ForgeryDiceLoss(eps=eps, loss_weight=0.7)(sure, nothing)) == pytest.approx(0.7)


def test_confidence_is_held_against_the_probability_of_the_truth_off_the_borders() -> None:
    target, x, confidence = masks(), logits(3, 2, 24, 31), logits(3, 1, 24, 31, seed=1)
    scores, sure = x.detach().softmax(1).double().numpy(), confidence.detach().sigmoid().double().numpy()
    errors = []
    for number, mask in enumerate(target.numpy()):
        for row, column in np.ndindex(mask.shape):
            around = {
                reach: mask[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1]
                for reach in (7, 5)
            }
            if mask[row, column] == 1 and not (around[7] == 0).any():
                wanted = scores[number, 1, row, column]
            elif mask[row, column] == 0 and not (around[5] == 1).any():
                wanted = scores[number, 0, row, column]
            else:
                continue
            errors.append((sure[number, 0, row, column] - wanted) ** 2)
    assert 100 < len(errors) < target.numel() / 2
    found = TrueClassProbabilityLoss(loss_weight=2.0)(confidence, x, target)
    assert found.item() == pytest.approx(2 * np.mean(errors), rel=1e-5)
    found.backward()
    assert x.grad is None and confidence.grad.any() and not confidence.grad[..., -3:].any()


def test_where_no_pixel_is_left_the_graph_stays() -> None:
    confidence = logits(1, 1, 8, 8)
    found = TrueClassProbabilityLoss()(confidence, logits(1, 2, 8, 8), torch.full((1, 8, 8), IGNORED))
    found.backward()
    assert found.item() == 0 and not confidence.grad.any()


def test_an_image_is_forged_by_its_pixels_and_weighs_by_its_class() -> None:
    target = torch.zeros(4, 6, 6, dtype=torch.int64)
    target[1, 0, :3] = target[2, 0, :4] = target[3] = 1
    target[0, :5] = IGNORED
    x = torch.tensor([0.3, -0.7, 1.1, -2.0])
    parts = []
    for value, is_forged in zip(x.tolist(), (False, False, True, True), strict=True):
        score = 1 / (1 + math.exp(-value))
        parts.append(-(0.5 / 0.7) * math.log(score) if is_forged else -(0.5 / 0.3) * math.log(1 - score))
    assert float(ForgedImageLoss()(x, target)) == pytest.approx(np.mean(parts), rel=1e-5)
    assert float(ForgedImageLoss(forged_share=0.5)(x, torch.zeros_like(target))) == pytest.approx(
        float(torch.nn.functional.softplus(x).mean()), rel=1e-5
    )


@pytest.mark.parametrize('seed', range(3))
def test_the_cross_entropy_of_the_config_is_the_weighted_mean_of_counted_pixels(seed: int) -> None:
    """mmseg's, as the config has it: what TruFor's paper calls weighted cross-entropy."""
    target, x = masks(seed=seed), logits(3, 2, 24, 31, seed=seed)
    compare = MODELS.build(dict(type='CrossEntropyLoss', class_weight=[0.5, 2.5], loss_weight=0.3))
    total = weights = 0.0
    for label, pixel in zip(target.flatten(), x.detach().permute(0, 2, 3, 1).reshape(-1, 2), strict=True):
        if label != IGNORED:
            weight = (0.5, 2.5)[label]
            total, weights = total - weight * float(pixel.log_softmax(0)[label]), weights + weight
    assert compare(x, target, ignore_index=IGNORED).item() == pytest.approx(0.3 * total / weights, rel=1e-4)


@pytest.mark.parametrize(
    ('loss', 'options', 'said'),
    [
        (ForgeryDiceLoss, dict(eps=-1), 'eps'),
        (ForgedImageLoss, dict(forged_share=1), 'forged_share'),
        (ForgedImageLoss, dict(least_pixels=0), 'least_pixels'),
        *((each, dict(loss_name='x'), 'loss_name') for each in (ForgeryDiceLoss, ForgedImageLoss)),
        (TrueClassProbabilityLoss, dict(loss_name='x'), 'loss_name'),
    ],
)
def test_options_out_of_range_are_refused(loss: type, options: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        loss(**options)
