"""InfoNCE++, eq. 2 of the FOCAL paper, over every pixel of an image."""

import math

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.checkpoint import checkpoint

POSITIVES = ('expectation', 'mean_exp')

# Similarities held at once while the negatives are summed: 4 Mi floats, 16 MiB.
SIMILARITIES_PER_BLOCK = 1 << 22


def _log_sum_exp(queries: Tensor, keys: Tensor, temperature: float, skip_own: bool = False) -> Tensor:
    """Log of the sum over the keys of exp(q.k / t), for every query.

    The queries go through in blocks whose similarities are computed again in the backward pass, so that the full
    (Q, K) matrix never exists.

    Args:
        queries (Tensor): float of shape (Q, C).
        keys (Tensor): float of shape (K, C), K at least 1.
        temperature (float): t.
        skip_own (bool): The i-th query does not meet the i-th key; for queries that are the keys.

    Returns:
        Tensor: float of shape (Q,).
    """

    def of_block(block: Tensor, keys: Tensor, first: int) -> Tensor:
        similarities = block @ keys.T / temperature
        if skip_own:
            nothing = similarities.new_full((len(block),), float('-inf'))
            similarities = similarities.diagonal_scatter(nothing, offset=first)
        return torch.logsumexp(similarities, dim=1)

    size = max(1, SIMILARITIES_PER_BLOCK // len(keys))
    if len(queries) <= size:
        return of_block(queries, keys, 0)
    return torch.cat(
        [
            checkpoint(of_block, block, keys, index * size, use_reentrant=False)
            for index, block in enumerate(queries.split(size))
        ]
    )


def info_nce_plus_plus(pristine: Tensor, forged: Tensor, temperature: float, positives: str = 'expectation') -> Tensor:
    """The InfoNCE++ loss of one image: each pristine embedding is a query, the other pristine ones its positives.

    Args:
        pristine (Tensor): float of shape (J + 1, C), at least two embeddings.
        forged (Tensor): float of shape (K, C), the negatives, at least one.
        temperature (float): t of eq. 2, above 0.
        positives (str): Which reading of eq. 2, see :class:`InfoNCEPlusPlusLoss`.

    Returns:
        Tensor: Scalar, the mean over the queries.
    """
    negative = _log_sum_exp(pristine, forged, temperature)
    others = len(pristine) - 1
    if positives == 'expectation':
        own = (pristine * pristine).sum(1)
        positive = (pristine @ pristine.sum(0) - own) / others / temperature
        return F.softplus(negative - positive).mean()
    positive = _log_sum_exp(pristine, pristine, temperature, skip_own=True) - math.log(others)
    return (negative - positive).mean()


@MODELS.register_module()
class InfoNCEPlusPlusLoss(nn.Module):
    r"""InfoNCE++ (eq. 2), image by image (eq. 3), over all pixels or a sample of them.

    The sentence beside eq. 2 and its formula do not say the same; both readings are here, by name. With
    :math:`s^+_j = q \cdot k^+_j / t` and :math:`s^-_i = q \cdot k^-_i / t`:

    - ``'expectation'``: the expectation of the dot product of q with its positives, and the positive also in the
      denominator, as in InfoNCE and in the authors' released code:
      :math:`-\log \frac{\exp(\mathrm{mean}_j s^+_j)}{\exp(\mathrm{mean}_j s^+_j) + \sum_i \exp(s^-_i)}`;
    - ``'mean_exp'``: eq. 2 to the letter: :math:`-\log \frac{\mathrm{mean}_j \exp(s^+_j)}{\sum_i \exp(s^-_i)}`.

    docs/losses.md compares the two by training: the first localises far better, so it is the default.

    Args:
        temperature (float): t, above 0. The paper gives no value, the released code 0.1. Defaults to 0.1.
        positives (str): ``'expectation'`` or ``'mean_exp'``. Defaults to ``'expectation'``.
        max_pixels (int, optional): Draw at most so many pristine and so many forged pixels an image; the released
            code draws 1,000. None takes every pixel, exactly. Defaults to None.
        seed (int): Seeds the generator of the draws. Defaults to 0.
        loss_weight (float): Defaults to 1.0.
        loss_name (str): The key in the log; must contain "loss" to be trained on. Defaults to 'loss_info_nce'.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(
        self,
        temperature: float = 0.1,
        positives: str = 'expectation',
        max_pixels: int | None = None,
        seed: int = 0,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_info_nce',
    ) -> None:
        super().__init__()
        if not temperature > 0:
            raise ValueError(f'temperature must be above 0, got {temperature}')
        if positives not in POSITIVES:
            raise ValueError(f'positives must be one of {POSITIVES}, got {positives!r}')
        if max_pixels is not None and max_pixels < 2:
            raise ValueError(f'max_pixels must be None or at least 2, got {max_pixels}')
        if 'loss' not in loss_name:
            raise ValueError(f'loss_name must contain "loss", else it is logged but not trained on, got {loss_name!r}')
        self.temperature = temperature
        self.positives = positives
        self.max_pixels = max_pixels
        self.loss_weight = loss_weight
        self._loss_name = loss_name
        self._generator = torch.Generator().manual_seed(seed)

    @property
    def loss_name(self) -> str:
        """The key of this loss in the log."""
        return self._loss_name

    def _sample(self, embeddings: Tensor) -> Tensor:
        """At most ``max_pixels`` of the (P, C) embeddings, drawn without replacement."""
        if self.max_pixels is None or len(embeddings) <= self.max_pixels:
            return embeddings
        drawn = torch.randperm(len(embeddings), generator=self._generator)[: self.max_pixels]
        return embeddings[drawn.to(embeddings.device)]

    def forward(self, embeddings: Tensor, target: Tensor, ignore_index: int = 255) -> Tensor:
        """The loss of a batch: the mean over its images (eq. 3).

        An image with no forged pixel, or with fewer than two pristine ones, counts as zero. A batch of only such
        images gives a zero that still hangs on the graph, so that it trains, also under DDP.

        Args:
            embeddings (Tensor): Unit-length float of shape (N, C, h, w).
            target (Tensor): Integer of shape (N, h, w): 0 pristine, 1 forged, ``ignore_index`` neither.
            ignore_index (int): Defaults to 255.

        Returns:
            Tensor: float32 scalar, computed in float32 also under autocast.

        Raises:
            ValueError: If the shapes do not fit or the target has another value.
        """
        if embeddings.ndim != 4 or target.shape != (embeddings.shape[0], *embeddings.shape[2:]):
            raise ValueError(
                'expected embeddings (N, C, h, w) and target (N, h, w), '
                f'got {tuple(embeddings.shape)} and {tuple(target.shape)}'
            )
        if not ((target == 0) | (target == 1) | (target == ignore_index)).all():
            found = sorted(set(target.unique().tolist()) - {0, 1, ignore_index})
            raise ValueError(f'target may hold 0 (pristine), 1 (forged) and {ignore_index} (ignored), found {found}')
        losses = []
        with torch.autocast(embeddings.device.type, enabled=False):
            for image, mask in zip(embeddings.float(), target, strict=True):
                pixels = image.flatten(1).T
                pristine = self._sample(pixels[mask.flatten() == 0])
                forged = self._sample(pixels[mask.flatten() == 1])
                if len(pristine) > 1 and len(forged):
                    losses.append(info_nce_plus_plus(pristine, forged, self.temperature, self.positives))
            loss = torch.stack(losses).sum() / len(target) if losses else embeddings.float().sum() * 0
        return self.loss_weight * loss
