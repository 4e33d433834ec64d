"""Adversarial noise from the gradients of earlier steps."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class AdversarialMemory(nn.Module):
    """Remembers in which direction earlier images would have raised the loss, and adds such directions up.

    The memory is part of the checkpoint, so that a resumed training goes on with it. One of its entries always is no
    noise at all; of the others the oldest is written over.

    Args:
        size (Sequence[int]): Height and width of the images.
        entries (int): Earlier images that are remembered, and the one without noise. Defaults to 32.
        added (int): Most entries that one image's noise is of. Defaults to 5.
        bound (float): Most that the noise adds to a value, in units of the images'. Defaults to 4/255.

    Raises:
        ValueError: If an option is out of its range.

    Source:
        IF-OSN, algorithm 1, by entries of single images where the released code has those of whole batches.
    """

    signs: Tensor
    seen: Tensor

    def __init__(self, size: Sequence[int], entries: int = 32, added: int = 5, bound: float = 4 / 255) -> None:
        super().__init__()
        if len(size) != 2 or min(size) < 1 or entries < 2 or added < 1 or bound <= 0:
            raise ValueError(
                'a memory needs size=(height, width), entries of at least 2, added of at least 1 and a bound above 0, '
                f'got {tuple(size)}, {entries}, {added} and {bound}'
            )
        self.added = added
        self.bound = bound
        self.register_buffer('signs', torch.zeros(entries, 3, *size, dtype=torch.int8))
        self.register_buffer('seen', torch.zeros((), dtype=torch.long))

    def forward(self, images: Tensor) -> Tensor:
        """Noise for a batch, whose gradient is remembered when the batch's loss is propagated back.

        Args:
            images (Tensor): Of shape (N, 3, H, W).

        Returns:
            Tensor: Of the same shape, a leaf with a gradient, in [-bound, bound].

        Raises:
            ValueError: If the images are of another size.
        """
        if images.shape[1:] != self.signs.shape[1:]:
            raise ValueError(
                f'the adversarial noise is for images of {tuple(self.signs.shape[2:])}, got {tuple(images.shape[2:])}: '
                'bring model.noise.size, model.data_preprocessor.size and the crop of the training pipeline together'
            )
        noise = torch.stack([self._drawn() for _ in images]).to(images).requires_grad_()
        noise.register_hook(self._remember)
        return noise

    def _drawn(self) -> Tensor:
        """One image's noise: entries of the memory, added up and held within the bound after each."""
        there = min(int(self.seen) + 1, len(self.signs))
        noise = torch.zeros(self.signs.shape[1:], device=self.signs.device)
        for entry in torch.randperm(there)[: self.added].tolist():
            noise = (noise + self.bound * self.signs[entry]).clamp(-self.bound, self.bound)
        return noise

    def _remember(self, gradient: Tensor) -> None:
        """Keep the signs of each image's gradient, from the second entry on, round and round."""
        for each in gradient.detach().nan_to_num().sign().to(torch.int8):
            self.signs[1 + int(self.seen) % (len(self.signs) - 1)] = each
            self.seen += 1
