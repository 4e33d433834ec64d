"""InfoNCE, a row of table 3 of the FOCAL paper."""

from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from .contrastive_loss import QueryLoss
from .named_loss import check_above
from .streaming import RowLosses, mask_self, streamed_mean


@MODELS.register_module()
class InfoNCELoss(QueryLoss):
    r"""InfoNCE (van den Oord et al., 2018) with one positive at a time, the mean over all pairs (q, k+).

    With :math:`s^+ = q \cdot k^+ / t` and :math:`s^-_i = q \cdot k^-_i / t`, for each pair
    :math:`-\log \frac{\exp(s^+)}{\exp(s^+) + \sum_i \exp(s^-_i)}`. No pair is drawn: all are summed, exactly.

    Args:
        temperature (float): t, above 0. Defaults to 0.1.
        loss_name (str): Defaults to 'loss_info_nce'.
        **options: ``queries``, ``scope``, ``max_pixels``, ``loss_weight``, see :class:`QueryLoss` and
            :class:`ContrastiveLoss`.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(self, temperature: float = 0.1, loss_name: str = 'loss_info_nce', **options: Any) -> None:
        super().__init__(loss_name=loss_name, **options)
        check_above('temperature', temperature)
        self.temperature = temperature

    def mean_loss(self, queries: Tensor, negatives: Tensor) -> Tensor:
        """See :meth:`QueryLoss.mean_loss`."""
        keys = torch.cat([queries, negatives])
        return streamed_mean(_row_losses(len(queries)), queries / self.temperature, keys)


def _row_losses(queries: int) -> RowLosses:
    def row_losses(logits: Tensor, first: int) -> Tensor:
        negative = torch.logsumexp(logits[:, queries:], dim=1, keepdim=True)
        of_pairs = F.softplus(negative - logits[:, :queries])
        return mask_self(of_pairs, first, 0).sum(1) / (queries - 1)

    return row_losses
