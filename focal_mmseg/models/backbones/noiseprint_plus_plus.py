"""Noiseprint++: the traces that a camera's processing leaves in an image."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import torch
from mmengine.logging import print_log
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from focal_mmseg.engine.checkpoint import find_misfits, read_checkpoint

WIDTH = 64
INNER_LAYERS = 15
# So many pixels to each side decide what stands at one: one more a convolution.
REACH = INNER_LAYERS + 2
# Its maps have the image's size and 64 channels: 256 MiB for so many pixels, which are taken together at most.
PIXELS_AT_ONCE = 2**20
TERMS = (
    "Noiseprint++'s weights are under GRIP-UNINA's own terms, and so is a network that is trained with them: for "
    'information and non-profit use only (docs/guide/trufor.md)'
)
RANDOM = (
    'Noiseprint++ has random weights and is not trained here, so that it sees nothing: name its released file by '
    'model.backbone.noiseprint.checkpoint_path=weights/noiseprint++.th, or a checkpoint that has it by load_from'
)


@MODELS.register_module()
class NoiseprintPlusPlus(BaseModule):
    """A frozen network of 17 convolutions from an image to its noiseprint.

    It is never trained: no gradients, batch norms in evaluation. The released file is read by :meth:`init_weights`
    alone, which mmengine calls when a training starts; a model that tests a checkpoint needs no file.

    Args:
        checkpoint_path (str, optional): The released ``noiseprint++.th``, read weights-only. Defaults to None.
        init_cfg (None): There is no other initialisation.

    Raises:
        ValueError: If an ``init_cfg`` is given.

    Attributes:
        has_weights (bool): Whether a file or a checkpoint has given the weights.

    Source:
        TruFor: Guillaro et al., CVPR 2023; the network is DnCNN's, Zhang et al., TIP 2017, without its residual.
    """

    def __init__(self, checkpoint_path: str | None = None, init_cfg: None = None) -> None:
        if init_cfg is not None:
            raise ValueError('NoiseprintPlusPlus takes no init_cfg; give the released file by checkpoint_path')
        super().__init__()
        self.checkpoint_path = checkpoint_path
        self.has_weights = False
        layers: list[nn.Module] = [nn.Conv2d(3, WIDTH, 3, padding=1), nn.ReLU(inplace=True)]
        for _ in range(INNER_LAYERS):
            convolution = nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False)
            layers += [convolution, nn.BatchNorm2d(WIDTH), nn.ReLU(inplace=True)]
        layers.append(nn.Conv2d(WIDTH, 1, 3, padding=1))
        self.layers = nn.Sequential(*layers)
        self.requires_grad_(False)
        self.train()

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """The noiseprints of images of any size, a strip after the other where they are large: the same numbers.

        Args:
            x (Tensor): RGB of shape (N, 3, H, W), grey levels over 256.

        Returns:
            Tensor: float32 of shape (N, 1, H, W), under autocast too.
        """
        height, width = x.shape[2:]
        images = max(1, PIXELS_AT_ONCE // (height * width))
        rows = max(1, PIXELS_AT_ONCE // width - 2 * REACH)
        # Its released weights lose a part of what they see to float32 already. The meta device knows no autocast.
        with nullcontext() if x.is_meta else torch.autocast(x.device.type, enabled=False):
            return torch.cat([self._forward_strips(each, rows) for each in x.float().split(images)])

    def _forward_strips(self, x: Tensor, rows: int) -> Tensor:
        """So many rows at a time, with those around that they depend on."""
        height = x.shape[2]
        if height <= rows + 2 * REACH:
            return self.layers(x)
        strips = []
        for top in range(0, height, rows):
            stop = min(top + rows, height)
            first, last = max(0, top - REACH), min(height, stop + REACH)
            strips.append(self.layers(x[:, :, first:last])[:, :, top - first : stop - first])
        return torch.cat(strips, 2)

    def train(self, mode: bool = True) -> 'NoiseprintPlusPlus':
        """Stay in evaluation."""
        return super().train(False)

    def require_weights(self) -> None:
        """Refuse to be part of a training with random weights.

        Raises:
            ValueError: If neither a file nor a checkpoint has given any.
        """
        if not self.has_weights:
            raise ValueError(RANDOM)

    def init_weights(self) -> None:
        """Read the released file, if one is named.

        Raises:
            FileNotFoundError: If ``checkpoint_path`` is no file.
            ValueError: If it cannot be read or holds another network.
        """
        if not self.is_init and self.checkpoint_path:
            content = read_checkpoint(self.checkpoint_path)
            state = content.get('network', content) if isinstance(content, Mapping) else {}
            if found := find_misfits(self.layers, state):
                raise ValueError(
                    f"{self.checkpoint_path} is not Noiseprint++'s released file ({len(found)} differences, the first: "
                    f'{found[0]})'
                )
            self.layers.load_state_dict(state)
            self.has_weights = True
            print_log(TERMS, 'current')
        self.is_init = True

    def _load_from_state_dict(self, state_dict: Mapping[str, Tensor], prefix: str, *args: Any) -> None:
        """Notice that a checkpoint brings the weights; torch and mmengine call it."""
        super()._load_from_state_dict(state_dict, prefix, *args)
        self.has_weights |= f'{prefix}layers.0.weight' in state_dict
