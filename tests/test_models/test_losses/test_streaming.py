import pytest
import torch
from loss_references import random_map, relative_error
from torch import Tensor

from focal_mmseg.models.losses import streaming
from focal_mmseg.models.losses.streaming import mask_self, streamed_mean

DEVICES = pytest.mark.parametrize(
    'device',
    [
        'cpu',
        pytest.param('cuda', marks=pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')),
    ],
)


def points(count: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    return random_map(1, 5, 1, count, seed=seed, dtype=dtype)[0, :, 0].T.detach().requires_grad_()


def curved(similarities: Tensor, _: int, bias: Tensor) -> Tensor:
    return (similarities.exp().sum(1) - bias).square()


@DEVICES
@pytest.mark.parametrize('block', [1, 60, 1 << 20], ids=['row by row', 'some rows', 'whole'])
def test_value_and_gradients_equal_the_dense_form(monkeypatch: pytest.MonkeyPatch, block: int, device: str) -> None:
    monkeypatch.setattr(streaming, 'SIMILARITIES_PER_BLOCK', block)
    monkeypatch.setattr(streaming, 'SIMILARITIES_PER_ACCELERATOR_BLOCK', block)
    inputs = [each.detach().to(device).requires_grad_() for each in (points(13), points(17, seed=1), torch.rand(13))]
    exact = [each.detach().double().requires_grad_() for each in inputs]
    wanted = curved(exact[0] @ exact[1].T, 0, exact[2]).mean()
    wanted.backward()

    found = streamed_mean(curved, *inputs)
    (3 * found).backward()

    assert found.dtype == torch.float32
    assert relative_error(found, wanted) < 1e-6
    for one, other in zip(inputs, exact, strict=True):
        assert relative_error(one.grad, 3 * other.grad) < 1e-5


@pytest.mark.parametrize('block', [1, 40, 1 << 20])
def test_the_gradient_is_the_derivative(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(streaming, 'SIMILARITIES_PER_BLOCK', block)
    inputs = points(6, torch.float64), points(7, torch.float64, 1), torch.rand(6, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda *each: streamed_mean(curved, *each), inputs)


def test_queries_that_are_the_keys_get_both_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, 'SIMILARITIES_PER_BLOCK', 30)

    def repelling(similarities: Tensor, first: int) -> Tensor:
        return mask_self(similarities * 2, first, float('-inf')).logsumexp(1)

    same = points(10, torch.float64)
    exact = same.detach().requires_grad_()
    own = torch.eye(10, dtype=torch.bool)
    wanted = (exact @ exact.T * 2).masked_fill(own, float('-inf')).logsumexp(1).mean()
    wanted.backward()
    found = streamed_mean(repelling, same, same)
    found.backward()
    assert relative_error(found, wanted) < 1e-12
    assert relative_error(same.grad, exact.grad) < 1e-12


def test_nothing_of_the_size_of_the_pairs_is_held_for_the_backward_pass() -> None:
    queries, keys, bias = points(200), points(150), torch.rand(200, requires_grad=True)
    value = streamed_mean(curved, queries, keys, bias)
    held = value.grad_fn.saved_tensors
    assert [tensor.shape for tensor in held] == [queries.shape, keys.shape, bias.shape]


def test_without_a_gradient_none_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError('a gradient was computed')

    monkeypatch.setattr(torch.autograd, 'grad', refuse)
    queries, keys = points(4).detach(), points(5).detach()
    value = streamed_mean(lambda similarities, _: similarities.sum(1), queries, keys)
    assert not value.requires_grad
    with torch.no_grad():
        streamed_mean(lambda similarities, _: similarities.sum(1), points(4), points(5))


def test_a_second_derivative_is_refused_rather_than_wrong() -> None:
    queries = points(4)
    value = streamed_mean(lambda similarities, _: similarities.square().sum(1), queries, points(5))
    with pytest.raises(RuntimeError, match='differentiated once'):
        torch.autograd.grad(value, queries, create_graph=True)
