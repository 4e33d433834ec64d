"""Circle loss, a row of table 3 of the FOCAL paper."""

from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from .contrastive_loss import QueryLoss
from .named_loss import check_above
from .streaming import RowLosses, mask_self, streamed_mean


@MODELS.register_module()
class CircleLoss(QueryLoss):
    r"""Circle loss (Sun et al., CVPR 2020, eq. 6 and 8 there), every positive and negative of a query together.

    With :math:`s^+_j = q \cdot k^+_j`, :math:`s^-_i = q \cdot k^-_i` and the weights
    :math:`\alpha^+_j = [1 + m - s^+_j]_+`, :math:`\alpha^-_i = [s^-_i + m]_+`, which take no gradient:
    :math:`\log(1 + \sum_i \exp(\gamma \alpha^-_i (s^-_i - m)) \sum_j \exp(-\gamma \alpha^+_j (s^+_j - 1 + m)))`.

    Args:
        margin (float): m, above 0. Defaults to 0.4, the source's for retrieval by embeddings, as in
            pytorch-metric-learning. Its 0.25 is for the classes of face recognition.
        gamma (float): The scale, above 0. Defaults to 80, for the same reason; for faces it has 256.
        loss_name (str): Defaults to 'loss_circle'.
        **options: ``queries``, ``scope``, ``max_pixels``, ``loss_weight``, see :class:`QueryLoss` and
            :class:`ContrastiveLoss`.

    Raises:
        ValueError: If an option is out of its range.

    Example:
        >>> import torch
        >>> embeddings = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]).T.reshape(1, 2, 2, 2)
        >>> mask = torch.tensor([[[0, 0], [1, 1]]])
        >>> CircleLoss()(embeddings, mask) < CircleLoss()(embeddings, mask.mT)
        tensor(True)
    """

    def __init__(
        self, margin: float = 0.4, gamma: float = 80.0, loss_name: str = 'loss_circle', **options: Any
    ) -> None:
        super().__init__(loss_name=loss_name, **options)
        check_above('margin', margin)
        check_above('gamma', gamma)
        self.margin = margin
        self.gamma = gamma

    def mean_loss(self, queries: Tensor, negatives: Tensor) -> Tensor:
        """See :meth:`QueryLoss.mean_loss`."""
        return streamed_mean(self._row_losses(len(queries)), queries, torch.cat([queries, negatives]))

    def _row_losses(self, queries: int) -> RowLosses:
        def row_losses(similarities: Tensor, first: int) -> Tensor:
            positive, negative = similarities[:, :queries], similarities[:, queries:]
            positive_weights = self.gamma * F.relu(1 + self.margin - positive.detach())
            negative_weights = self.gamma * F.relu(negative.detach() + self.margin)
            positive_logits = positive_weights * (1 - self.margin - positive)
            negative_logits = negative_weights * (negative - self.margin)
            pull = torch.logsumexp(mask_self(positive_logits, first, float('-inf')), dim=1)
            return F.softplus(pull + torch.logsumexp(negative_logits, dim=1))

        return row_losses
