"""InfoNCE++, eq. 2 of the FOCAL paper."""

import math
from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from .contrastive_loss import QueryLoss, mean_positive_similarity
from .named_loss import check_above, check_choice
from .streaming import RowLosses, mask_self, streamed_mean

POSITIVES = ('expectation', 'mean_exp')


@MODELS.register_module()
class InfoNCEPlusPlusLoss(QueryLoss):
    r"""InfoNCE++ (eq. 2), image by image (eq. 3), over all pixels or a sample of them.

    The sentence beside eq. 2 and its formula do not say the same; both readings are here, by name. With
    :math:`s^+_j = q \cdot k^+_j / t` and :math:`s^-_i = q \cdot k^-_i / t`:

    - ``'expectation'``: the expectation of the dot product of q with its positives, and the positive also in the
      denominator, as in InfoNCE and in the authors' released code:
      :math:`-\log \frac{\exp(\mathrm{mean}_j s^+_j)}{\exp(\mathrm{mean}_j s^+_j) + \sum_i \exp(s^-_i)}`;
    - ``'mean_exp'``: eq. 2 to the letter: :math:`-\log \frac{\mathrm{mean}_j \exp(s^+_j)}{\sum_i \exp(s^-_i)}`.

    docs/notes/losses.md compares the two by training: the first localises far better, so it is the default.

    Args:
        temperature (float): t, above 0. The paper gives no value, the released code 0.1. Defaults to 0.1.
        positives (str): ``'expectation'`` or ``'mean_exp'``. Defaults to ``'expectation'``.
        loss_name (str): Defaults to 'loss_info_nce_plus_plus'.
        **options: ``queries``, ``scope``, ``max_pixels``, ``loss_weight``, see :class:`QueryLoss` and
            :class:`ContrastiveLoss`.

    Raises:
        ValueError: If an option is out of its range.

    Example:
        >>> import torch
        >>> loss = InfoNCEPlusPlusLoss()
        >>> embeddings = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]).T.reshape(1, 2, 2, 2)
        >>> mask = torch.tensor([[[0, 0], [1, 1]]])
        >>> apart, mixed = loss(embeddings, mask).item(), loss(embeddings, mask.mT).item()
        >>> round(apart, 4), round(mixed, 4)
        (0.0001, 10.0001)
    """

    def __init__(
        self,
        temperature: float = 0.1,
        positives: str = 'expectation',
        loss_name: str = 'loss_info_nce_plus_plus',
        **options: Any,
    ) -> None:
        super().__init__(loss_name=loss_name, **options)
        check_above('temperature', temperature)
        check_choice('positives', positives, POSITIVES)
        self.temperature = temperature
        self.positives = positives

    def mean_loss(self, queries: Tensor, negatives: Tensor) -> Tensor:
        """See :meth:`QueryLoss.mean_loss`."""
        if self.positives == 'expectation':
            positive = mean_positive_similarity(queries) / self.temperature
            return streamed_mean(_expectation_losses, queries / self.temperature, negatives, positive)
        keys = torch.cat([queries, negatives])
        return streamed_mean(_mean_exp_losses(len(queries)), queries / self.temperature, keys)


def _expectation_losses(logits: Tensor, _: int, positive: Tensor) -> Tensor:
    return F.softplus(torch.logsumexp(logits, dim=1) - positive)


def _mean_exp_losses(queries: int) -> RowLosses:
    def row_losses(logits: Tensor, first: int) -> Tensor:
        positive = torch.logsumexp(mask_self(logits[:, :queries].clone(), first, float('-inf')), dim=1)
        negative = torch.logsumexp(logits[:, queries:], dim=1)
        return negative - positive + math.log(queries - 1)

    return row_losses
