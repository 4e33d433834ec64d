"""What every contrastive loss promises, whatever its formula."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_references import random_map, random_target
from mmseg.registry import MODELS
from torch import Tensor

from focal_mmseg.models.losses import (
    CircleLoss,
    ContrastiveLoss,
    DCLLoss,
    InfoNCELoss,
    InfoNCEPlusPlusLoss,
    QueryLoss,
    SoftContrastiveLoss,
    TripletLoss,
)

LOSSES = {
    'InfoNCE++': InfoNCEPlusPlusLoss,
    'InfoNCE++ to the letter': partial(InfoNCEPlusPlusLoss, positives='mean_exp'),
    'InfoNCE': InfoNCELoss,
    'DCL': DCLLoss,
    'triplet': TripletLoss,
    'hard triplet': partial(TripletLoss, mining='hard'),
    'circle': CircleLoss,
    'soft': SoftContrastiveLoss,
}
EACH = pytest.mark.parametrize('make', LOSSES.values(), ids=LOSSES)


@EACH
def test_a_batch_is_the_mean_over_its_images_and_one_class_counts_zero(make: type[ContrastiveLoss]) -> None:
    loss = make()
    embeddings, target = random_map(4, 5, 6, 6), random_target(4, 6, 6)
    target[1], target[2] = 0, 1
    single = [loss(embeddings[i : i + 1], target[i : i + 1]) for i in range(4)]
    assert single[0] != 0 and single[1] == 0 and single[2] == 0 and single[3] != 0
    torch.testing.assert_close(loss(embeddings, target), sum(single) / 4)


@EACH
def test_the_gradient_of_an_image_does_not_depend_on_the_others(make: type[ContrastiveLoss]) -> None:
    target = random_target(2, 5, 5)
    gradients = []
    for seed in (3, 4):
        first, second = random_map(1, 4, 5, 5, seed=2), random_map(1, 4, 5, 5, seed=seed)
        make()(torch.cat([first, second]), target).backward()
        gradients.append(first.grad)
    assert gradients[0].abs().sum() > 0
    assert torch.equal(*gradients)


@EACH
def test_batch_scope_is_the_loss_of_one_image_that_has_all_pixels(make: type[ContrastiveLoss]) -> None:
    embeddings, target = random_map(3, 5, 4, 6), random_target(3, 4, 6)
    target[2] = 1
    beside = torch.cat(list(embeddings), dim=2)[None]
    merged = make(scope='batch')(embeddings, target)
    torch.testing.assert_close(merged, make()(beside, torch.cat(list(target), dim=1)[None]))
    assert not torch.isclose(merged, make()(embeddings, target))


@EACH
@pytest.mark.parametrize('scope', ['image', 'batch'])
@pytest.mark.parametrize('value', [0, 1, 255], ids=['all pristine', 'all forged', 'all ignored'])
def test_a_batch_of_one_class_is_a_zero_that_trains(make: type[ContrastiveLoss], value: int, scope: str) -> None:
    embeddings = random_map(2, 4, 3, 3)
    loss = make(scope=scope)(embeddings, torch.full((2, 3, 3), value))
    loss.backward()
    assert loss == 0
    assert torch.equal(embeddings.grad, torch.zeros_like(embeddings))


@EACH
@pytest.mark.parametrize('ignore_index', [255, 7])
def test_ignored_pixels_have_no_influence_and_no_gradient(make: type[ContrastiveLoss], ignore_index: int) -> None:
    loss = make()
    target = random_target(1, 5, 7, ignored=False)
    target[0, 1:3] = ignore_index
    ignored = (target == ignore_index)[:, None].expand(1, 4, 5, 7)
    embeddings = random_map(1, 4, 5, 7)
    changed = embeddings.detach().masked_fill(ignored, 1e6).requires_grad_()

    value, value_changed = loss(embeddings, target, ignore_index), loss(changed, target, ignore_index)
    value_changed.backward()

    assert value != 0 and torch.equal(value, value_changed)
    assert changed.grad[ignored].abs().max() == 0
    assert changed.grad[~ignored].abs().sum() > 0


@EACH
def test_autocast_to_bfloat16_changes_nothing(make: type[ContrastiveLoss]) -> None:
    embeddings, same = random_map(2, 8, 5, 5), random_map(2, 8, 5, 5)
    target = random_target(2, 5, 5)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        value = make()(embeddings, target)
    value.backward()
    wanted = make()(same, target)
    wanted.backward()
    assert value.dtype == torch.float32
    assert torch.equal(value, wanted) and torch.equal(embeddings.grad, same.grad)


@EACH
@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_narrow_embeddings_are_compared_in_float32(make: type[ContrastiveLoss], dtype: torch.dtype) -> None:
    embeddings, target = random_map(2, 8, 5, 5).detach().to(dtype).requires_grad_(), random_target(2, 5, 5)
    value = make()(embeddings, target)
    value.backward()
    assert torch.equal(value, make()(embeddings.float(), target))
    assert embeddings.grad.dtype == dtype and embeddings.grad.isfinite().all()


@EACH
def test_channels_last_embeddings_give_the_same(make: type[ContrastiveLoss]) -> None:
    embeddings, target = random_map(2, 8, 5, 6), random_target(2, 5, 6)
    other = embeddings.detach().contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(make()(other, target), make()(embeddings, target).detach())


@EACH
def test_no_limit_and_a_limit_beyond_the_image_take_every_pixel(make: type[ContrastiveLoss]) -> None:
    embeddings, target = random_map(1, 4, 6, 6), random_target(1, 6, 6)
    values = {make(max_pixels=max_pixels)(embeddings, target).item() for max_pixels in (None, 36, 1000)}
    assert len(values) == 1


class Spy(ContrastiveLoss):
    """Keeps what it is given."""

    def image_loss(self, pristine: Tensor, forged: Tensor) -> Tensor:
        self.seen = pristine, forged
        return pristine.sum()


def test_a_sample_has_max_pixels_different_pixels_of_each_class() -> None:
    target = torch.zeros(1, 6, 6, dtype=torch.long)
    target[0, 0] = 1
    spy = Spy(max_pixels=10)
    spy(random_map(1, 4, 6, 6), target)
    pristine, forged = spy.seen
    assert len(pristine.unique(dim=0)) == len(pristine) == 10
    assert len(forged.unique(dim=0)) == len(forged) == 6


@given(st.lists(st.sampled_from([0, 1, 255]), min_size=1, max_size=40), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_pixels_are_split_by_the_mask_and_none_is_lost(values: list[int], height: int) -> None:
    target = torch.tensor(values * height).view(1, height, len(values))
    embeddings = torch.arange(target.numel(), dtype=torch.float32).view(1, 1, height, -1)
    spy = Spy()
    spy(embeddings, target)
    for side, value in zip(spy.seen, (0, 1), strict=True):
        assert torch.equal(side[:, 0], embeddings[0, 0][target[0] == value])


@EACH
def test_the_seed_decides_the_sample(make: type[ContrastiveLoss]) -> None:
    embeddings, target = random_map(1, 4, 9, 9), random_target(1, 9, 9)
    loss = make(max_pixels=5)

    def two_values(seed: int) -> list[float]:
        torch.manual_seed(seed)
        return [loss(embeddings, target).item() for _ in range(2)]

    assert two_values(0) == two_values(0)
    assert two_values(0) != two_values(1)
    assert len(set(two_values(0))) == 2


def test_without_a_sample_nothing_is_drawn() -> None:
    embeddings, target = random_map(1, 4, 9, 9), random_target(1, 9, 9)
    state = torch.get_rng_state()
    InfoNCEPlusPlusLoss()(embeddings, target)
    assert torch.equal(state, torch.get_rng_state())


@EACH
def test_loss_weight_multiplies(make: type[ContrastiveLoss]) -> None:
    embeddings, target = random_map(1, 4, 5, 5), random_target(1, 5, 5)
    plain, weighted = make(), make(loss_weight=2.5, loss_name='loss_other')
    torch.testing.assert_close(weighted(embeddings, target), 2.5 * plain(embeddings, target))
    assert weighted.loss_name == 'loss_other'
    assert plain.loss_name.startswith('loss_')


@pytest.mark.parametrize(
    'name', ['CircleLoss', 'DCLLoss', 'InfoNCELoss', 'InfoNCEPlusPlusLoss', 'SoftContrastiveLoss', 'TripletLoss']
)
def test_a_config_names_it(name: str) -> None:
    assert isinstance(MODELS.build(dict(type=f'mmseg.{name}', scope='batch', max_pixels=100)), ContrastiveLoss)


@EACH
@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(scope='images'), r"scope must be one of \('image', 'batch'\), got 'images'"),
        (dict(max_pixels=1), 'max_pixels must be None or at least 2, got 1'),
        (dict(loss_name='info_nce'), "got 'info_nce'"),
    ],
)
def test_an_option_out_of_range_is_refused(make: type[ContrastiveLoss], options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**options)


@pytest.mark.parametrize(
    ('make', 'options', 'message'),
    [
        *(
            (make, dict(temperature=t), f'temperature must be above 0 and finite, got {t}')
            for make in (InfoNCEPlusPlusLoss, InfoNCELoss, DCLLoss, SoftContrastiveLoss)
            for t in (0, -0.1, float('nan'), float('inf'))
        ),
        (InfoNCEPlusPlusLoss, dict(positives='mean'), "positives must be one of .* got 'mean'"),
        (InfoNCEPlusPlusLoss, dict(queries='forged'), "queries must be one of .* got 'forged'"),
        (TripletLoss, dict(margin=0), 'margin must be above 0 and finite, got 0'),
        (TripletLoss, dict(mining='semi-hard'), "mining must be one of .* got 'semi-hard'"),
        (CircleLoss, dict(margin=-1), 'margin must be above 0 and finite, got -1'),
        (CircleLoss, dict(gamma=0), 'gamma must be above 0 and finite, got 0'),
        (SoftContrastiveLoss, dict(fuzziness=1), 'fuzziness must be above 1 and finite, got 1'),
        (SoftContrastiveLoss, dict(tolerance=0), 'tolerance must be above 0 and finite, got 0'),
        (SoftContrastiveLoss, dict(max_updates=-1), 'max_updates must be at least 0, got -1'),
    ],
)
def test_a_parameter_out_of_range_is_refused(make: type[ContrastiveLoss], options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**options)


@EACH
@pytest.mark.parametrize(
    ('embeddings', 'target'),
    [((2, 4, 5, 5), (2, 5, 4)), ((2, 4, 5, 5), (1, 5, 5)), ((2, 4, 5, 5), (2, 1, 5, 5)), ((4, 5, 5), (5, 5))],
)
def test_shapes_that_do_not_fit_are_refused(make: type[ContrastiveLoss], embeddings: tuple, target: tuple) -> None:
    with pytest.raises(ValueError, match='expected embeddings'):
        make()(torch.zeros(embeddings), torch.zeros(target, dtype=torch.long))


def test_a_target_with_another_value_is_refused() -> None:
    target = torch.tensor([[[0, 1, 2, 255]]])
    with pytest.raises(ValueError, match=r'found \[2\]'):
        InfoNCEPlusPlusLoss()(torch.zeros(1, 4, 1, 4), target)


def test_queries_are_pristine_by_default() -> None:
    embeddings, target = random_map(1, 4, 5, 5), random_target(1, 5, 5)
    assert isinstance(InfoNCEPlusPlusLoss(), QueryLoss)
    torch.testing.assert_close(
        InfoNCEPlusPlusLoss()(embeddings, target), InfoNCEPlusPlusLoss(queries='pristine')(embeddings, target)
    )
