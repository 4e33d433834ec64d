"""Decoupled contrastive learning, a row of table 3 of the FOCAL paper."""

from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor

from .contrastive_loss import QueryLoss, mean_positive_similarity
from .named_loss import check_above
from .streaming import streamed_mean


@MODELS.register_module()
class DCLLoss(QueryLoss):
    r"""Decoupled contrastive learning (Yeh et al., ECCV 2022): InfoNCE without the positive in the denominator.

    With :math:`s^+_j = q \cdot k^+_j / t` and :math:`s^-_i = q \cdot k^-_i / t`, for each pair of a query and a
    positive :math:`-s^+_j + \log \sum_i \exp(s^-_i)`. The mean over the pairs needs only the mean of :math:`s^+_j`.

    Args:
        temperature (float): t, above 0. Defaults to 0.1, as in the source.
        loss_name (str): Defaults to 'loss_dcl'.
        **options: ``queries``, ``scope``, ``max_pixels``, ``loss_weight``, see :class:`QueryLoss` and
            :class:`ContrastiveLoss`.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(self, temperature: float = 0.1, loss_name: str = 'loss_dcl', **options: Any) -> None:
        super().__init__(loss_name=loss_name, **options)
        check_above('temperature', temperature)
        self.temperature = temperature

    def mean_loss(self, queries: Tensor, negatives: Tensor) -> Tensor:
        """See :meth:`QueryLoss.mean_loss`."""
        negative = streamed_mean(_row_losses, queries / self.temperature, negatives)
        return negative - mean_positive_similarity(queries).mean() / self.temperature


def _row_losses(logits: Tensor, _: int) -> Tensor:
    return torch.logsumexp(logits, dim=1)
