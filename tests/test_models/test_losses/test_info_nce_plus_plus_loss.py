import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models.losses import InfoNCEPlusPlusLoss, info_nce_plus_plus
from focal_mmseg.models.losses import info_nce_plus_plus_loss as loss_module

READINGS = pytest.mark.parametrize('positives', ['expectation', 'mean_exp'])
BLOCKS = pytest.mark.parametrize('block', [None, 60, 1], ids=['whole', 'some rows', 'row by row'])


def reference(embeddings: Tensor, target: Tensor, temperature: float, positives: str) -> Tensor:
    """Eq. 2 and 3, pixel by pixel."""
    total = embeddings.sum() * 0
    for image, mask in zip(embeddings, target, strict=True):
        pristine = [image[:, y, x] for y, x in (mask == 0).nonzero().tolist()]
        forged = [image[:, y, x] for y, x in (mask == 1).nonzero().tolist()]
        if len(pristine) < 2 or not forged:
            continue
        of_queries = []
        for own, query in enumerate(pristine):
            plus = torch.stack([query @ key / temperature for i, key in enumerate(pristine) if i != own])
            minus = torch.stack([query @ key / temperature for key in forged])
            if positives == 'expectation':
                positive = plus.mean().exp()
                of_queries.append(-torch.log(positive / (positive + minus.exp().sum())))
            else:
                of_queries.append(-torch.log(plus.exp().mean() / minus.exp().sum()))
        total = total + torch.stack(of_queries).mean()
    return total / len(target)


def random_map(*shape: int, seed: int = 0) -> Tensor:
    """Unit-length embeddings (N, C, h, w)."""
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(shape, generator=generator), dim=1).requires_grad_()


def random_target(*shape: int, seed: int = 1, ignored: bool = True) -> Tensor:
    """Targets (N, h, w) with both classes and some ignored pixels."""
    target = torch.randint(0, 2, shape, generator=torch.Generator().manual_seed(seed))
    if ignored:
        target[:, 0, ::3] = 255
    return target


def relative_error(found: Tensor, wanted: Tensor) -> float:
    return ((found.double() - wanted).norm() / wanted.norm()).item()


def force_blocks(monkeypatch: pytest.MonkeyPatch, block: int | None) -> None:
    if block is not None:
        monkeypatch.setattr(loss_module, 'SIMILARITIES_PER_BLOCK', block)


@READINGS
@BLOCKS
@pytest.mark.parametrize('temperature', [0.05, 0.1, 1.0])
@pytest.mark.parametrize('size', [(5, 5), (7, 3), (2, 9)])
def test_value_and_gradient_equal_the_explicit_loops(
    monkeypatch: pytest.MonkeyPatch, positives: str, block: int | None, temperature: float, size: tuple[int, int]
) -> None:
    force_blocks(monkeypatch, block)
    embeddings, target = random_map(2, 6, *size), random_target(2, *size)
    exact = embeddings.detach().double().requires_grad_()
    wanted = reference(exact, target, temperature, positives)
    wanted.backward()

    found = InfoNCEPlusPlusLoss(temperature, positives)(embeddings, target)
    found.backward()

    assert relative_error(found, wanted) < 1e-5
    assert relative_error(embeddings.grad, exact.grad) < 1e-5


@READINGS
def test_one_forged_pixel_equals_the_explicit_loops(positives: str) -> None:
    embeddings, target = random_map(1, 4, 3, 5), torch.zeros(1, 3, 5, dtype=torch.long)
    target[0, 1, 4] = 1
    wanted = reference(embeddings.double(), target, 0.1, positives)
    assert relative_error(InfoNCEPlusPlusLoss(positives=positives)(embeddings, target), wanted) < 1e-5


@READINGS
@BLOCKS
def test_gradient_is_the_derivative(monkeypatch: pytest.MonkeyPatch, positives: str, block: int | None) -> None:
    force_blocks(monkeypatch, block)
    pixels = random_map(1, 3, 3, 4)[0].flatten(1).T.detach().double()
    pristine, forged = pixels[:7].requires_grad_(), pixels[7:].requires_grad_()
    assert torch.autograd.gradcheck(lambda p, f: info_nce_plus_plus(p, f, 0.1, positives), (pristine, forged))


@READINGS
def test_blocks_keep_no_similarities_for_the_backward_pass(monkeypatch: pytest.MonkeyPatch, positives: str) -> None:
    force_blocks(monkeypatch, 20 * 200)
    pixels = random_map(1, 4, 20, 20)[0].flatten(1).T
    kept = []

    def pack(tensor: Tensor) -> Tensor:
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        info_nce_plus_plus(pixels[:200], pixels[200:], 0.1, positives)
    assert 0 < max(kept) < 20 * 200


@READINGS
def test_a_batch_is_the_mean_over_its_images_and_one_class_counts_zero(positives: str) -> None:
    loss = InfoNCEPlusPlusLoss(positives=positives)
    embeddings, target = random_map(4, 5, 6, 6), random_target(4, 6, 6)
    target[1], target[2] = 0, 1
    single = [loss(embeddings[i : i + 1], target[i : i + 1]) for i in range(4)]
    assert single[0] != 0 and single[1] == 0 and single[2] == 0 and single[3] != 0
    torch.testing.assert_close(loss(embeddings, target), sum(single) / 4)


@READINGS
def test_the_gradient_of_an_image_does_not_depend_on_the_others(positives: str) -> None:
    target = random_target(2, 5, 5)
    gradients = []
    for seed in (3, 4):
        first, second = random_map(1, 4, 5, 5, seed=2), random_map(1, 4, 5, 5, seed=seed)
        InfoNCEPlusPlusLoss(positives=positives)(torch.cat([first, second]), target).backward()
        gradients.append(first.grad)
    assert gradients[0].abs().sum() > 0
    assert torch.equal(*gradients)


@READINGS
@pytest.mark.parametrize('value', [0, 1, 255], ids=['all pristine', 'all forged', 'all ignored'])
def test_a_batch_of_one_class_is_a_zero_that_trains(positives: str, value: int) -> None:
    embeddings = random_map(2, 4, 3, 3)
    loss = InfoNCEPlusPlusLoss(positives=positives)(embeddings, torch.full((2, 3, 3), value))
    loss.backward()
    assert loss == 0
    assert torch.equal(embeddings.grad, torch.zeros_like(embeddings))


@READINGS
def test_a_lone_pristine_pixel_has_no_positive_and_counts_zero(positives: str) -> None:
    target = torch.ones(1, 3, 3, dtype=torch.long)
    target[0, 0, 0] = 0
    embeddings = random_map(1, 4, 3, 3)
    loss = InfoNCEPlusPlusLoss(positives=positives)(embeddings, target)
    loss.backward()
    assert loss == 0
    assert torch.equal(embeddings.grad, torch.zeros_like(embeddings))


@READINGS
@pytest.mark.parametrize('ignore_index', [255, 7])
def test_ignored_pixels_have_no_influence_and_no_gradient(positives: str, ignore_index: int) -> None:
    loss = InfoNCEPlusPlusLoss(positives=positives)
    target = random_target(1, 5, 7, ignored=False)
    target[0, 1:3] = ignore_index
    ignored = (target == ignore_index)[:, None].expand(1, 4, 5, 7)
    embeddings = random_map(1, 4, 5, 7)
    changed = embeddings.detach().masked_fill(ignored, 1e6).requires_grad_()

    value, value_changed = loss(embeddings, target, ignore_index), loss(changed, target, ignore_index)
    value_changed.backward()

    assert value != 0 and torch.equal(value, value_changed)
    assert changed.grad[ignored].abs().max() == 0
    assert changed.grad[~ignored].abs().min() > 0


@READINGS
def test_autocast_to_bfloat16_changes_nothing(positives: str) -> None:
    loss = InfoNCEPlusPlusLoss(positives=positives)
    embeddings, target = random_map(2, 8, 5, 5), random_target(2, 5, 5)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        value = loss(embeddings, target)
    assert value.dtype == torch.float32
    assert torch.equal(value, loss(embeddings, target))


@READINGS
def test_embeddings_in_bfloat16_are_compared_in_float32(positives: str) -> None:
    loss = InfoNCEPlusPlusLoss(positives=positives)
    embeddings, target = random_map(2, 8, 5, 5).detach().bfloat16().requires_grad_(), random_target(2, 5, 5)
    value = loss(embeddings, target)
    value.backward()
    assert torch.equal(value, loss(embeddings.float(), target))
    assert embeddings.grad.dtype == torch.bfloat16 and embeddings.grad.isfinite().all()


def test_no_limit_and_a_limit_beyond_the_image_take_every_pixel() -> None:
    embeddings, target = random_map(1, 4, 6, 6), random_target(1, 6, 6)
    wanted = reference(embeddings.double(), target, 0.1, 'expectation')
    for max_pixels in (None, 36, 1000):
        assert relative_error(InfoNCEPlusPlusLoss(max_pixels=max_pixels)(embeddings, target), wanted) < 1e-5


def test_a_sample_has_max_pixels_different_pixels_of_each_class(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def spy(pristine: Tensor, forged: Tensor, *args: object) -> Tensor:
        drawn.extend([pristine, forged])
        return pristine.sum()

    monkeypatch.setattr(loss_module, 'info_nce_plus_plus', spy)
    target = torch.zeros(1, 6, 6, dtype=torch.long)
    target[0, 0] = 1
    InfoNCEPlusPlusLoss(max_pixels=10)(random_map(1, 4, 6, 6), target)
    pristine, forged = drawn
    assert len(pristine.unique(dim=0)) == len(pristine) == 10
    assert len(forged.unique(dim=0)) == len(forged) == 6


def test_the_seed_decides_the_sample() -> None:
    embeddings, target = random_map(1, 4, 9, 9), random_target(1, 9, 9)

    def two_values(seed: int) -> list[float]:
        loss = InfoNCEPlusPlusLoss(max_pixels=5, seed=seed)
        return [loss(embeddings, target).item() for _ in range(2)]

    assert two_values(0) == two_values(0)
    assert two_values(0) != two_values(1)
    assert len(set(two_values(0))) == 2


def test_drawing_leaves_the_global_generator_alone() -> None:
    state = torch.get_rng_state()
    InfoNCEPlusPlusLoss(max_pixels=5)(random_map(1, 4, 9, 9), random_target(1, 9, 9))
    assert torch.equal(state, torch.get_rng_state())


def test_loss_weight_multiplies() -> None:
    embeddings, target = random_map(1, 4, 5, 5), random_target(1, 5, 5)
    plain, weighted = InfoNCEPlusPlusLoss(), InfoNCEPlusPlusLoss(loss_weight=2.5, loss_name='loss_other')
    torch.testing.assert_close(weighted(embeddings, target), 2.5 * plain(embeddings, target))
    assert (plain.loss_name, weighted.loss_name) == ('loss_info_nce', 'loss_other')


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(temperature=0), 'temperature must be above 0, got 0'),
        (dict(temperature=-0.1), 'got -0.1'),
        (dict(temperature=float('nan')), 'got nan'),
        (dict(positives='mean'), "got 'mean'"),
        (dict(max_pixels=1), 'max_pixels must be None or at least 2, got 1'),
        (dict(loss_name='info_nce'), "got 'info_nce'"),
    ],
)
def test_an_option_out_of_range_is_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        InfoNCEPlusPlusLoss(**options)


@pytest.mark.parametrize(
    ('embeddings', 'target'),
    [((2, 4, 5, 5), (2, 5, 4)), ((2, 4, 5, 5), (1, 5, 5)), ((2, 4, 5, 5), (2, 1, 5, 5)), ((4, 5, 5), (5, 5))],
)
def test_shapes_that_do_not_fit_are_refused(embeddings: tuple, target: tuple) -> None:
    with pytest.raises(ValueError, match='expected embeddings'):
        InfoNCEPlusPlusLoss()(torch.zeros(embeddings), torch.zeros(target, dtype=torch.long))


def test_a_target_with_another_value_is_refused() -> None:
    target = torch.tensor([[[0, 1, 2, 255]]])
    with pytest.raises(ValueError, match=r'found \[2\]'):
        InfoNCEPlusPlusLoss()(torch.zeros(1, 4, 1, 4), target)
