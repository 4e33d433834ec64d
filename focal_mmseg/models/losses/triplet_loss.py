"""The triplet loss, a row of table 3 of the FOCAL paper."""

from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from .contrastive_loss import QueryLoss
from .named_loss import check_above, check_choice
from .streaming import RowLosses, mask_self, streamed_mean

MINING = ('all', 'hard')

# Float32 similarities of unit vectors do not resolve distances below about 1e-3; they count as that, without gradient.
LEAST_SQUARED_DISTANCE = 1e-6


@MODELS.register_module()
class TripletLoss(QueryLoss):
    r"""The triplet margin loss (Balntas et al., BMVC 2016, the source that the FOCAL paper names).

    For a query q, a positive k+ and a negative k-: :math:`\max(0, \mu + |q - k^+| - |q - k^-|)`.

    - ``mining='all'``: the mean over every triplet, exactly. A triplet counts if its negative is nearer than the reach
      :math:`\mu + |q - k^+|` of its positive. So the sum needs of each positive only how many negatives are within its
      reach, of each negative how many reaches are beyond it: one sort of its negatives a query. Without the source's
      anchor swap, which has no such form.
    - ``mining='hard'``: "batch hard" (Hermans, Beyer, Leibe, 2017): the farthest positive and the nearest negative of
      each query.

    Args:
        margin (float): mu, above 0; distances of unit vectors are between 0 and 2. Defaults to 1.0.
        mining (str): ``'all'`` or ``'hard'``. Defaults to ``'all'``.
        loss_name (str): Defaults to 'loss_triplet'.
        **options: ``queries``, ``scope``, ``max_pixels``, ``loss_weight``, see :class:`QueryLoss` and
            :class:`ContrastiveLoss`.

    Raises:
        ValueError: If an option is out of its range.

    Example:
        >>> import torch
        >>> embeddings = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]).T.reshape(1, 2, 2, 2)
        >>> TripletLoss(margin=1.0)(embeddings, torch.tensor([[[0, 0], [1, 1]]])).item()
        0.0
    """

    def __init__(
        self, margin: float = 1.0, mining: str = 'all', loss_name: str = 'loss_triplet', **options: Any
    ) -> None:
        super().__init__(loss_name=loss_name, **options)
        check_above('margin', margin)
        check_choice('mining', mining, MINING)
        self.margin = margin
        self.mining = mining

    def mean_loss(self, queries: Tensor, negatives: Tensor) -> Tensor:
        """See :meth:`QueryLoss.mean_loss`."""
        of_count = self._all_losses if self.mining == 'all' else self._hardest_losses
        return streamed_mean(of_count(len(queries)), queries, torch.cat([queries, negatives]))

    def _all_losses(self, queries: int) -> RowLosses:
        def row_losses(similarities: Tensor, first: int) -> Tensor:
            distances = _distances(similarities)
            # Distances are above 0, so that a reach of 0 takes part in no triplet.
            reach = mask_self(distances[:, :queries] + self.margin, first, 0)
            negative = distances[:, queries:]
            within, beyond = _triplet_counts(reach.detach(), negative.detach())
            # In float64: the two sums are over all triplets and may nearly cancel.
            total = (within * reach.double()).sum(1) - (beyond * negative.double()).sum(1)
            return (total / ((queries - 1) * negative.shape[1])).to(similarities.dtype)

        return row_losses

    def _hardest_losses(self, queries: int) -> RowLosses:
        # A query is never its own farthest positive, so it needs no leaving out.
        def row_losses(similarities: Tensor, _: int) -> Tensor:
            positive = _distances(similarities[:, :queries].min(1).values)
            negative = _distances(similarities[:, queries:].max(1).values)
            return F.relu(self.margin + positive - negative)

        return row_losses


def _triplet_counts(reach: Tensor, negative: Tensor) -> tuple[Tensor, Tensor]:
    """Of each reach (b, Q) how many negatives are nearer, of each negative (b, K) how many reaches are farther."""
    negative, order = negative.sort(dim=1)
    within = torch.searchsorted(negative, reach)
    # A negative's rank is below ``within`` of just the reaches beyond it: count those, from the farthest on.
    ends = within.new_zeros(len(negative), negative.shape[1] + 1).scatter_add_(1, within, torch.ones_like(within))
    beyond = ends[:, 1:].flip(1).cumsum(1).flip(1)
    return within, torch.empty_like(beyond).scatter_(1, order, beyond)


def _distances(similarities: Tensor) -> Tensor:
    """Euclidean distances of unit vectors from their similarities."""
    return (2 - 2 * similarities).clamp(min=LEAST_SQUARED_DISTANCE).sqrt()
