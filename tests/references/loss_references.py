"""Dense float64 formulas of the losses, pixel by pixel, and maps to compare on."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def random_map(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """Unit-length embeddings (N, C, h, w) that want a gradient."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(shape, generator=generator, dtype=torch.float64)
    return F.normalize(values, dim=1).to(dtype).requires_grad_()


def random_target(*shape: int, seed: int = 1, ignored: bool = True) -> Tensor:
    """Targets (N, h, w) with both classes and some ignored pixels."""
    target = torch.randint(0, 2, shape, generator=torch.Generator().manual_seed(seed))
    if ignored:
        target[:, 0, ::3] = 255
    return target


def relative_error(found: Tensor, wanted: Tensor) -> float:
    """Of value or gradient, by the norm."""
    return ((found.double() - wanted).norm() / wanted.norm()).item()


def expectation(plus: Tensor, minus: Tensor, temperature: float) -> Tensor:
    """Of one query, from the similarities (J,) to its positives and (K,) to its negatives; as all below."""
    positive = (plus / temperature).mean().exp()
    return -torch.log(positive / (positive + (minus / temperature).exp().sum()))


def mean_exp(plus: Tensor, minus: Tensor, temperature: float) -> Tensor:
    return -torch.log((plus / temperature).exp().mean() / (minus / temperature).exp().sum())


def info_nce(plus: Tensor, minus: Tensor, temperature: float) -> Tensor:
    positive, negatives = (plus / temperature).exp(), (minus / temperature).exp().sum()
    return -torch.log(positive / (positive + negatives)).mean()


def dcl(plus: Tensor, minus: Tensor, temperature: float) -> Tensor:
    return torch.stack([-s / temperature + torch.log((minus / temperature).exp().sum()) for s in plus]).mean()


def triplet(plus: Tensor, minus: Tensor, margin: float) -> Tensor:
    near, far = (2 - 2 * plus).sqrt(), (2 - 2 * minus).sqrt()
    return torch.stack([(margin + p - n).clamp(min=0) for p in near for n in far]).mean()


def hard_triplet(plus: Tensor, minus: Tensor, margin: float) -> Tensor:
    return (margin + (2 - 2 * plus).sqrt().max() - (2 - 2 * minus).sqrt().min()).clamp(min=0)


def circle(plus: Tensor, minus: Tensor, margin: float, gamma: float) -> Tensor:
    exponents = [torch.zeros((), dtype=plus.dtype)]
    for p in plus:
        for n in minus:
            push = (n.detach() + margin).clamp(min=0) * (n - margin)
            pull = (1 + margin - p.detach()).clamp(min=0) * (p - 1 + margin)
            exponents.append(gamma * (push - pull))
    return torch.stack(exponents).logsumexp(0)


def soft_contrastive(
    pristine: list[Tensor], forged: list[Tensor], temperature: float, fuzziness: float, updates: int
) -> Tensor:
    """Of one image, from its embeddings."""
    features = pristine + forged
    weights = torch.zeros(len(features), 2, dtype=torch.float64)
    weights[: len(pristine), 0] = 1
    weights[len(pristine) :, 1] = 1

    def centre(j: int) -> Tensor:
        powers = [w[j] ** fuzziness for w in weights]
        return sum(p * f for p, f in zip(powers, features, strict=True)) / sum(powers)

    for _ in range(updates):
        centres = [centre(j).detach() for j in range(2)]
        squared = [[((f.detach() - m) ** 2).sum() for m in centres] for f in features]
        weights = torch.stack(
            [torch.stack([1 / sum((own / d) ** (1 / (fuzziness - 1)) for d in row) for own in row]) for row in squared]
        )
    centres = [centre(j) for j in range(2)]
    losses = []
    for j in range(2):
        members = [torch.exp(centres[j] @ (w[j] * f) / temperature) for w, f in zip(weights, features, strict=True)]
        losses.append(-torch.log(sum(members) / len(members) / torch.exp(centres[0] @ centres[1] / temperature)))
    return losses[0] + losses[1]


def reference(of_query, embeddings: Tensor, target: Tensor, scope: str = 'image', queries: str = 'pristine') -> Tensor:
    """The loss of a batch whose queries' losses are ``of_query(plus, minus)``."""
    total = embeddings.sum() * 0
    images = (
        [(embeddings, target)] if scope == 'batch' else list(zip(embeddings[:, None], target[:, None], strict=True))
    )
    for image, mask in images:
        pristine, forged = pixels_of(image, mask)
        sides = [(pristine, forged), (forged, pristine)][: 2 if queries == 'both' else 1]
        losses = []
        for own_side, others in sides:
            for own, query in enumerate(own_side):
                plus = [query @ key for i, key in enumerate(own_side) if i != own]
                if plus and others:
                    losses.append(of_query(torch.stack(plus), torch.stack([query @ key for key in others])))
        if losses:
            total = total + torch.stack(losses).mean()
    return total / len(images)


def pixels_of(images: Tensor, masks: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """The pristine and the forged embeddings of images (N, C, h, w)."""
    return tuple([images[n, :, y, x] for n, y, x in (masks == value).nonzero().tolist()] for value in (0, 1))
