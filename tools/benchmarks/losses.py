"""What an exact contrastive loss costs: seconds and memory of its value and gradient.

Beside it stand its dense form (the same formula on one matrix of all similarities, by autograd), torch's fused
attention of the pristine pixels to the forged ones (whose log-sum-exp and gradients a loss could be made of), and the
same loss over 1,000 pristine and 1,000 forged pixels, as in the authors' released code. The embeddings are one image's
unit vectors in two groups, a fifth of them forged.

Example:
  python tools/benchmarks/losses.py --points 1024 4096 16384
  python tools/benchmarks/losses.py --losses all --points 4096
  python tools/benchmarks/losses.py --points 65536 --device cuda --dtype bfloat16
"""

import argparse
import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest import mock

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models.losses import (
    CircleLoss,
    ContrastiveLoss,
    DCLLoss,
    InfoNCELoss,
    InfoNCEPlusPlusLoss,
    SoftContrastiveLoss,
    TripletLoss,
)
from focal_mmseg.models.losses.streaming import RowLosses
from focal_mmseg.utils import device_name, positive_int, write_json
from focal_mmseg.utils.benchmarking import extra_memory, time_in_turn
from focal_mmseg.utils.synthetic_embeddings import groups
from focal_mmseg.utils.tables import text_table

LOSSES: dict[str, Callable[..., ContrastiveLoss]] = {
    'InfoNCEPlusPlusLoss': InfoNCEPlusPlusLoss,
    'InfoNCEPlusPlusLoss-mean_exp': partial(InfoNCEPlusPlusLoss, positives='mean_exp'),
    'InfoNCELoss': InfoNCELoss,
    'DCLLoss': DCLLoss,
    'TripletLoss': TripletLoss,
    'TripletLoss-hard': partial(TripletLoss, mining='hard'),
    'CircleLoss': CircleLoss,
    'SoftContrastiveLoss': SoftContrastiveLoss,
}
FORGED_SHARE = 0.2
SAMPLE = 1000
TEMPERATURE = 0.1
COLUMNS = {
    'streamed s': 'seconds',
    'streamed MiB': 'extra_mib',
    'dense s': 'dense_seconds',
    'dense MiB': 'dense_mib',
    'of dense': 'of_dense',
    'difference': 'difference',
    'attention s': 'attention_seconds',
    f'{SAMPLE:,} sampled s': 'sampled_seconds',
}


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--points', type=positive_int, nargs='+', default=[1024, 4096, 16384], help='default %(default)s'
    )
    parser.add_argument('--dim', type=positive_int, default=256, help='width of the embeddings; default %(default)s')
    parser.add_argument(
        '--losses',
        nargs='+',
        choices=['all', *LOSSES],
        default=['InfoNCEPlusPlusLoss'],
        metavar='NAME',
        help=f'all, or of {", ".join(LOSSES)}; default InfoNCEPlusPlusLoss',
    )
    parser.add_argument(
        '--dense-points', type=positive_int, default=16384, help='no dense form beyond; default %(default)s'
    )
    parser.add_argument('--device', type=device_name, default='cpu', help='such as cuda; default %(default)s')
    parser.add_argument('--dtype', choices=['float32', 'bfloat16'], default='float32', help='default %(default)s')
    parser.add_argument('--repeats', type=positive_int, default=5, help='for the median; default %(default)s')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/losses.json'), help='default %(default)s')
    return parser.parse_args()


def dense_mean(row_losses: RowLosses, queries: Tensor, keys: Tensor, *per_query: Tensor) -> Tensor:
    """What streamed_mean computes, on all similarities at once."""
    return row_losses(queries @ keys.T, 0, *per_query).mean()


def image(points: int, args: argparse.Namespace) -> tuple[Tensor, Tensor]:
    """Embeddings (1, C, 1, P) of one image, and their target (1, 1, P)."""
    embeddings = groups(points, args.dim, (1 - FORGED_SHARE, FORGED_SHARE)).T[None, :, None].contiguous()
    target = (torch.arange(points) >= round((1 - FORGED_SHARE) * points)).long().view(1, 1, -1)
    dtype = getattr(torch, args.dtype)
    return embeddings.to(args.device, dtype).requires_grad_(), target.to(args.device)


def value_and_gradient(loss: ContrastiveLoss, embeddings: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """One forward and one backward pass."""
    value = loss(embeddings, target)
    (gradient,) = torch.autograd.grad(value, embeddings)
    return value.detach(), gradient


def attention(embeddings: Tensor, target: Tensor) -> tuple[Tensor, ...]:
    """Fused attention of pristine queries to forged keys, forward and backward."""
    pixels = embeddings.detach().flatten(2).transpose(1, 2)[None]
    sides = [pixels[:, :, target.flatten() == side].requires_grad_() for side in (0, 1)]
    attended = F.scaled_dot_product_attention(sides[0], sides[1], sides[1], scale=1 / TEMPERATURE)
    return torch.autograd.grad(attended.sum(), sides)


def measure(name: str, points: int, args: argparse.Namespace) -> dict:
    """One row."""
    device = torch.device(args.device)
    embeddings, target = image(points, args)
    row = dict(loss=name, points=points, dim=args.dim, device=args.device, dtype=args.dtype)
    streamed = partial(value_and_gradient, LOSSES[name](), embeddings, target)
    sampled = partial(value_and_gradient, LOSSES[name](max_pixels=SAMPLE), embeddings, target)
    calls = dict(seconds=streamed, sampled_seconds=sampled, attention_seconds=partial(attention, embeddings, target))
    module = importlib.import_module(type(LOSSES[name]()).__module__)

    def dense() -> tuple[Tensor, Tensor]:
        with mock.patch.object(module, 'streamed_mean', dense_mean):
            return streamed()

    sampled()
    found, row['extra_mib'] = extra_memory(streamed, device)
    if points <= args.dense_points and hasattr(module, 'streamed_mean'):
        calls['dense_seconds'] = dense
        wanted, row['dense_mib'] = extra_memory(dense, device)
        row['difference'] = max(paired_difference(*pair) for pair in zip(found, wanted, strict=True))
    row |= time_in_turn(calls, device, args.repeats)
    if 'dense_seconds' in row:
        row['of_dense'] = row['seconds'] / row['dense_seconds']
    return row


def paired_difference(found: Tensor, wanted: Tensor) -> float:
    """Relative, by the norm."""
    return float((found.float() - wanted.float()).norm() / wanted.float().norm())


def main() -> None:
    """Measure, print and write."""
    args = parse_args()
    rows = []
    for name in LOSSES if 'all' in args.losses else args.losses:
        for points in args.points:
            row = measure(name, points, args)
            rows.append(row)
            shown = (
                [each[key] for key in ('loss', 'points')] + [each.get(key) for key in COLUMNS.values()] for each in rows
            )
            print(f'\n{text_table(("loss", "points", *COLUMNS), shown, ".3g")}', flush=True)
            write_json(args.out, rows)
    print(f'written to {args.out}')


if __name__ == '__main__':
    main()
