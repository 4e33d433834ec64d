"""Losses over all pairs of a query and a key, in memory that grows with the points and not with the pairs."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

# Similarities held at once: 4 Mi floats are 16 MiB; an accelerator wants longer work at a time, 256 MiB.
SIMILARITIES_PER_BLOCK = 1 << 22
SIMILARITIES_PER_ACCELERATOR_BLOCK = 1 << 26

# (similarities (b, K), index of the first of the b queries, *per_query (b,)) -> the loss of each query (b,)
RowLosses = Callable[..., Tensor]


def streamed_mean(row_losses: RowLosses, queries: Tensor, keys: Tensor, *per_query: Tensor) -> Tensor:
    """The mean over the queries of a loss that is a function of a query's similarities to all keys.

    The (Q, K) similarities never exist at once: the queries go through in blocks, and the gradient of a block is taken
    while its similarities are there, so that nothing is computed twice and three matrix products are all. Held for the
    backward pass are the gradients, of the size of the inputs.

    Args:
        row_losses (Callable): Gets the similarities q.k of a block of b queries (b, K), the index of the block's first
            query, and the block's part of each of ``per_query``; gives their losses (b,). It is differentiated by
            autograd. It must not change the similarities in place.
        queries (Tensor): float of shape (Q, C), Q at least 1.
        keys (Tensor): float of shape (K, C), K at least 1.
        *per_query (Tensor): float of shape (Q,) each, what a loss needs besides.

    Returns:
        Tensor: Scalar of the queries' dtype. It can be differentiated once.

    Raises:
        RuntimeError: In a backward pass with ``create_graph=True``.
    """
    tensors = (queries, keys, *per_query)
    if not torch.is_grad_enabled():
        tensors = tuple(tensor.detach() for tensor in tensors)
    return _StreamedMean.apply(row_losses, *tensors)


def mask_self(values: Tensor, first: int, fill: float) -> Tensor:
    """Overwrite each query's value for itself, where the queries are the keys.

    Args:
        values (Tensor): (b, Q), computed from the similarities of the queries ``first`` to ``first + b`` to all
            queries. Changed in place.
        first (int): Index of the block's first query.
        fill (float): What a query's own entry becomes.

    Returns:
        Tensor: ``values``.
    """
    values.diagonal(offset=first).fill_(fill)
    return values


def _blocks(queries: int, keys: int, on_cpu: bool) -> Iterator[slice]:
    at_once = SIMILARITIES_PER_BLOCK if on_cpu else SIMILARITIES_PER_ACCELERATOR_BLOCK
    size = max(1, at_once // keys)
    return (slice(first, min(first + size, queries)) for first in range(0, queries, size))


class _StreamedMean(torch.autograd.Function):
    """See :func:`streamed_mean`."""

    @staticmethod
    def forward(ctx: Any, row_losses: RowLosses, queries: Tensor, keys: Tensor, *per_query: Tensor) -> Tensor:
        wanted = any(ctx.needs_input_grad)
        gradients = [torch.zeros_like(tensor) for tensor in (queries, keys, *per_query)] if wanted else []
        total = queries.new_zeros(())
        for rows in _blocks(len(queries), len(keys), queries.device.type == 'cpu'):
            inputs = [queries[rows] @ keys.T, *(values[rows].detach() for values in per_query)]
            with torch.set_grad_enabled(wanted):
                losses = row_losses(inputs[0].requires_grad_(wanted), rows.start, *_leaves(inputs[1:], wanted)).sum()
            total += losses.detach()
            if wanted:
                _add_gradients(gradients, torch.autograd.grad(losses, inputs), queries, keys, rows)
        ctx.save_for_backward(*gradients)
        ctx.count = len(queries)
        return total / len(queries)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError('the contrastive losses can be differentiated once, not with create_graph=True')
        share = gradient / ctx.count
        return None, *(saved * share for saved in ctx.saved_tensors)


def _leaves(tensors: list[Tensor], wanted: bool) -> list[Tensor]:
    return [tensor.requires_grad_(wanted) for tensor in tensors]


def _add_gradients(
    gradients: list[Tensor], of_block: tuple[Tensor, ...], queries: Tensor, keys: Tensor, rows: slice
) -> None:
    """Bring a block's gradients, the first one of its similarities, to the inputs."""
    of_queries, of_keys, *of_per_query = gradients
    similarities, *others = of_block
    torch.mm(similarities, keys, out=of_queries[rows])
    of_keys.addmm_(similarities.T, queries[rows])
    for gathered, gradient in zip(of_per_query, others, strict=True):
        gathered[rows] = gradient
