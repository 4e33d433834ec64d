"""What all contrastive losses share: pixels split by the mask, image by image or merged."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from .named_loss import NamedLoss, check_choice

SCOPES = ('image', 'batch')
QUERIES = ('pristine', 'both')


class ContrastiveLoss(NamedLoss, ABC):
    """A loss that sets the pristine embeddings of an image against its forged ones.

    Args:
        scope (str): ``'image'``: each image by itself, then the mean over the images (eq. 3 of the FOCAL paper).
            ``'batch'``: the pixels of all images of this process's batch merged, as if they were one image (row
            "(Batch)" of table 3). Defaults to ``'image'``.
        max_pixels (int, optional): Draw at most so many pristine and so many forged pixels an image (for
            ``scope='batch'``: a batch) by torch's generator of the processor; the authors' released code draws 1,000.
            None takes every pixel, exactly. Defaults to None.
        loss_weight (float): Defaults to 1.0.
        loss_name (str): The key in the log; must contain "loss" to be trained on.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(
        self,
        scope: str = 'image',
        max_pixels: int | None = None,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_contrastive',
    ) -> None:
        super().__init__(loss_weight, loss_name)
        check_choice('scope', scope, SCOPES)
        if max_pixels is not None and max_pixels < 2:
            raise ValueError(f'max_pixels must be None or at least 2, got {max_pixels}')
        self.scope = scope
        self.max_pixels = max_pixels

    @abstractmethod
    def image_loss(self, pristine: Tensor, forged: Tensor) -> Tensor | None:
        """The loss of one image.

        Args:
            pristine (Tensor): Unit-length float32 or float64 of shape (J, C), J at least 0.
            forged (Tensor): The same of shape (K, C), K at least 0.

        Returns:
            Tensor | None: Scalar, or None where there is nothing to compare.
        """

    def forward(self, embeddings: Tensor, target: Tensor, ignore_index: int = 255, **of_classes: Any) -> Tensor:
        """The loss of a batch.

        An image that has nothing to compare, as one without a forged pixel, counts as zero. A batch of only such images
        gives a zero that still hangs on the graph, so that it trains, also under DDP.

        Args:
            embeddings (Tensor): Unit-length float of shape (N, C, h, w).
            target (Tensor): Integer of shape (N, h, w): 0 pristine, 1 forged, ``ignore_index`` neither.
            ignore_index (int): Defaults to 255.
            **of_classes: What heads with a classifier give to their losses; is refused.

        Returns:
            Tensor: float32 scalar, computed in float32 also under autocast and from narrower embeddings; float64 for
                float64 embeddings.

        Raises:
            TypeError: If there are other arguments.
            ValueError: If the shapes do not fit or the target has another value.
        """
        if of_classes:
            raise TypeError(
                f'{type(self).__name__} was given {", ".join(of_classes)}, as by a head with a classifier: it compares '
                'embeddings and belongs into the loss_decode of a FOCALHead; give this head a loss of class scores, as '
                'CrossEntropyLoss'
            )
        _check(embeddings, target, ignore_index)
        with torch.autocast(embeddings.device.type, enabled=False):
            if embeddings.dtype != torch.float64:
                embeddings = embeddings.float()
            found = [self.image_loss(pristine, forged) for pristine, forged in self._images(embeddings, target)]
            losses = [loss for loss in found if loss is not None]
            loss = torch.stack(losses).sum() / len(found) if losses else embeddings.sum() * 0
        return self.loss_weight * loss

    def _images(self, embeddings: Tensor, target: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """The pristine (J, C) and the forged (K, C) embeddings of each image, or of all images as one."""
        if self.scope == 'batch':
            embeddings = embeddings.transpose(0, 1)[None]
            target = target[None]
        for image, mask in zip(embeddings, target, strict=True):
            pixels = image.flatten(1).T
            yield self._sample(pixels[mask.flatten() == 0]), self._sample(pixels[mask.flatten() == 1])

    def _sample(self, embeddings: Tensor) -> Tensor:
        if self.max_pixels is None or len(embeddings) <= self.max_pixels:
            return embeddings
        drawn = torch.randperm(len(embeddings))[: self.max_pixels]
        return embeddings[drawn.to(embeddings.device)]


class QueryLoss(ContrastiveLoss):
    """A contrastive loss that is a mean over queries: their own side is positive to them, the other negative.

    A query is not one of its own positives. A side with a single pixel has no positive and makes no query.

    Args:
        queries (str): ``'pristine'``: the pristine pixels are the queries (eq. 1 of the FOCAL paper). ``'both'``: all
            pixels are. Defaults to ``'pristine'``.
        **options: See :class:`ContrastiveLoss`.
    """

    def __init__(self, queries: str = 'pristine', **options: Any) -> None:
        super().__init__(**options)
        check_choice('queries', queries, QUERIES)
        self.queries = queries

    @abstractmethod
    def mean_loss(self, queries: Tensor, negatives: Tensor) -> Tensor:
        """The mean of the queries' losses.

        Args:
            queries (Tensor): Unit-length float of shape (Q, C), Q at least 2; each one's positives are the others.
            negatives (Tensor): The same of shape (K, C), K at least 1.

        Returns:
            Tensor: Scalar.
        """

    def image_loss(self, pristine: Tensor, forged: Tensor) -> Tensor | None:
        """See :meth:`ContrastiveLoss.image_loss`."""
        sides = [(pristine, forged), (forged, pristine)][: 2 if self.queries == 'both' else 1]
        sides = [(queries, negatives) for queries, negatives in sides if len(queries) > 1 and len(negatives)]
        if not sides:
            return None
        count = sum(len(queries) for queries, _ in sides)
        losses = [self.mean_loss(queries, negatives) * (len(queries) / count) for queries, negatives in sides]
        return torch.stack(losses).sum()


def mean_positive_similarity(queries: Tensor) -> Tensor:
    """The mean similarity of each of (Q, C) queries to the other Q - 1, shape (Q,), without their Q x Q pairs."""
    own = (queries * queries).sum(1)
    return (queries @ queries.sum(0) - own) / (len(queries) - 1)


def _check(embeddings: Tensor, target: Tensor, ignore_index: int) -> None:
    if embeddings.ndim != 4 or target.shape != (embeddings.shape[0], *embeddings.shape[2:]):
        raise ValueError(
            f'expected embeddings (N, C, h, w), as a FOCALHead gives them, and target (N, h, w), got '
            f'{tuple(embeddings.shape)} and {tuple(target.shape)}'
        )
    if not ((target == 0) | (target == 1) | (target == ignore_index)).all():
        found = sorted(set(target.unique().tolist()) - {0, 1, ignore_index})
        raise ValueError(f'target may hold 0 (pristine), 1 (forged) and {ignore_index} (ignored), found {found}')
