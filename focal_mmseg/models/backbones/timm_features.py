"""Feature maps of timm's convolutional networks."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from focal_mmseg.engine.checkpoint import load_weights

from .norm_folding import FoldedNetwork


@MODELS.register_module()
class TIMMFeatures(BaseModule):
    """A network of timm as a pyramid of feature maps, cut off behind the last map that is asked for.

    mmseg's ``TIMMBackbone`` downloads whenever it is built and runs the network to its end. Here pretrained weights are
    read by :meth:`init_weights` alone, which mmengine calls when a training starts, so that a model that is built to
    test a checkpoint downloads nothing.

    Args:
        model_name (str): A name of timm's registry, e.g. ``'tf_efficientnet_lite0'``.
        out_indices (Sequence[int]): Of timm's feature levels, ascending; the strides are mostly 2, 4, 8, 16, 32.
        pretrained (bool): Whether :meth:`init_weights` downloads timm's weights. Defaults to True.
        checkpoint_path (str, optional): A local file in timm's names that is read in place of the download,
            weights-only. What the cut network does not have is ignored; what it has must be there.
        norm_eval (bool): Whether batch norms keep their statistics in training. Defaults to False.
        **options: For ``timm.create_model``, e.g. ``drop_path_rate``.

    Raises:
        ImportError: If timm is not installed.

    Attributes:
        channels (list[int]): Widths of the maps.
    """

    def __init__(
        self,
        model_name: str,
        out_indices: Sequence[int],
        pretrained: bool = True,
        checkpoint_path: str | None = None,
        norm_eval: bool = False,
        **options: Any,
    ) -> None:
        super().__init__()
        self.model_name = model_name
        self.out_indices = tuple(out_indices)
        self.pretrained = pretrained
        self.checkpoint_path = checkpoint_path
        self.norm_eval = norm_eval
        self.options = options
        self.network = self._create()
        self._folded = FoldedNetwork(self.network)
        self.channels = self.network.feature_info.channels()

    def forward(self, x: Tensor) -> list[Tensor]:
        """Give the maps, float of shape (N, C_i, h_i, w_i), of an image (N, 3, H, W)."""
        if self.training or x.device.type != 'cpu':
            return self.network(x)
        # The same up to rounding, in two thirds of the time.
        x = x.contiguous(memory_format=torch.channels_last)
        if torch.is_grad_enabled() or torch.jit.is_tracing():
            return self.network(x)
        # And in two thirds of that.
        return self._folded(x)

    def init_weights(self) -> None:
        """Load the pretrained weights, once.

        Raises:
            RuntimeError: If the download fails.
            FileNotFoundError: If ``checkpoint_path`` is no file.
            ValueError: If that file cannot be read, or lacks a part of the network.
        """
        if not self.is_init and self.checkpoint_path:
            self._load(load_weights(self.checkpoint_path))
        elif not self.is_init and self.pretrained:
            self._load(self._downloaded())
        self.is_init = True

    def train(self, mode: bool = True) -> 'TIMMFeatures':
        """Batch norms stay in evaluation mode with ``norm_eval``."""
        super().train(mode)
        if self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    # timm's networks have more than a Module, and no common class that says so.
    def _create(self, **source: Any) -> Any:
        try:
            timm = importlib.import_module('timm')
        except ImportError as error:
            raise ImportError(
                f"TIMMFeatures needs timm: pip install '.[dino]' in this project's folder ({error})"
            ) from error
        source = dict(pretrained=False) | source
        network = timm.create_model(
            self.model_name, features_only=True, out_indices=self.out_indices, **source, **self.options
        )
        _cut(network)
        return network

    def _downloaded(self) -> dict[str, Tensor]:
        try:
            return self._create(pretrained=True).state_dict()
        except Exception as error:  # each way to a download has exceptions of its own
            raise RuntimeError(
                f'the weights of {self.model_name} could not be downloaded: give a local file by checkpoint_path=..., '
                f'or train from random weights by pretrained=False ({error})'
            ) from error

    def _load(self, state: Mapping[str, Tensor]) -> None:
        own = self.network.state_dict()
        missing = [name for name, value in own.items() if name not in state or state[name].shape != value.shape]
        if missing:
            raise ValueError(
                f'the checkpoint {self.checkpoint_path} does not fit {self.model_name}: it lacks {len(missing)} of '
                f'{len(own)} entries, the first is {missing[0]}'
            )
        self.network.load_state_dict({name: state[name] for name in own})


def _cut(network: Any) -> None:
    """Drop the blocks behind the last map that is asked for; timm's EfficientNets would run them all the same."""
    blocks, last = getattr(network, 'blocks', None), network.feature_info.module_name()[-1]
    if isinstance(blocks, nn.Sequential) and last.startswith('blocks.'):
        del blocks[int(last.split('.')[1]) + 1 :]
