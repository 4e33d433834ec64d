"""Vision transformers of timm (DINOv2, DINOv3, ...), frozen, with low-rank adapters."""

import importlib
import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from mmengine.model import BaseModule
from mmseg.registry import MODELS
from mmseg.utils import ConfigType
from torch import Tensor, nn

from focal_mmseg.engine.checkpoint import load_weights

PATCH_EMBEDDING = 'patch_embed.proj'
ERROR_WIDTH = 800


@MODELS.register_module()
class TIMMViT(BaseModule):
    """A plain vision transformer of timm that takes any input of whole patches.

    The position embeddings are interpolated to the input (DINOv2) or computed for it (the rotary ones of DINOv3). The
    blocks behind the last one that is asked for are dropped, as is the classifier.

    Pretrained weights are read by :meth:`init_weights` alone, which mmengine calls when a training starts. A model that
    is built to test a checkpoint, which has all weights, downloads nothing. The adapters are part of the model from
    the beginning, so the names in a checkpoint are always the same; the pretrained weights go through a second network
    that gets its adapters after it was loaded.

    Args:
        model_name (str): A name of timm's registry, e.g. ``'vit_large_patch14_reg4_dinov2'``.
        out_indices (Sequence[int]): The blocks whose maps are returned, in ascending order; negative ones count from
            the network's end. Defaults to the last.
        pretrained (bool): Whether :meth:`init_weights` downloads timm's weights. Defaults to True.
        checkpoint_path (str, optional): A local file that is read in place of the download: ``.safetensors``, or a
            state dict of torch, which is loaded weights-only. In timm's names or in those of the network's authors.
        frozen (bool): Whether the network itself is left as it is, also in training: no gradients, evaluation mode.
            Defaults to True.
        adapters (dict, optional): Options of ``peft.LoraConfig``. None goes without. Names in ``target_modules`` never
            mean the patch embedding, unless ``exclude_modules`` says otherwise.
        with_cp (bool): Whether the backward pass computes each block again, to save memory. Defaults to False.
        init_cfg (None): There is no other initialisation.
        **options: For ``timm.create_model``, e.g. ``depth`` or ``drop_path_rate``.

    Raises:
        ImportError: If timm, or peft for adapters, is not installed.
        ValueError: If the network is no vision transformer of any input size, or an ``init_cfg`` is given.

    Source:
        LoRA: Hu et al., 2021; DINOv2: Oquab et al., 2023, with registers Darcet et al., 2023; DINOv3: Siméoni et al.,
        2025.
    """

    def __init__(
        self,
        model_name: str,
        out_indices: Sequence[int] = (-1,),
        *,
        pretrained: bool = True,
        checkpoint_path: str | None = None,
        frozen: bool = True,
        adapters: ConfigType | None = dict(r=16, lora_alpha=32, lora_dropout=0.0, target_modules=['qkv', 'proj']),
        with_cp: bool = False,
        init_cfg: None = None,
        **options: Any,
    ) -> None:
        if init_cfg is not None:
            raise ValueError('TIMMViT takes no init_cfg; give a local file by checkpoint_path')
        super().__init__()
        self.model_name = model_name
        self.pretrained = pretrained
        self.checkpoint_path = checkpoint_path
        self.frozen = frozen
        self.adapters = adapters
        self.options = options
        vit = self._create()
        # Negative indices would mean other blocks once blocks are dropped.
        self.out_indices = _indices(vit, out_indices)
        self.vit = self._adapt(vit)
        self.vit.set_grad_checkpointing(with_cp)
        if not frozen:
            self.vit.requires_grad_(True)
        elif adapters is None:
            self.vit.requires_grad_(False)
        self.train()

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images to features.

        Args:
            x (Tensor): Of shape (N, 3, H, W), whole multiples of the patch.

        Returns:
            tuple[Tensor, ...]: One of shape (N, C, h, w) a block of ``out_indices``, normalised by the network's last
            norm, without class and register tokens.

        Raises:
            ValueError: If H or W is no multiple of the patch.
        """
        size, patch = tuple(x.shape[2:]), tuple(self.vit.patch_embed.patch_size)
        nearest = tuple(max(side // step, 1) * step for side, step in zip(size, patch, strict=True))
        # Padding would be part of the map and shift it against the masks.
        if size != nearest:
            raise ValueError(
                f'{self.model_name} takes whole patches of {patch[0]}x{patch[1]} pixels, got an input of '
                f'{size[0]}x{size[1]}: bring the Resize of every pipeline, model.data_preprocessor.size and a '
                f'crop_size to multiples, e.g. {nearest[0]}x{nearest[1]}'
            )
        return tuple(
            self.vit.forward_intermediates(
                x, indices=self.out_indices, norm=True, output_fmt='NCHW', intermediates_only=True
            )
        )

    def init_weights(self) -> None:
        """Load the pretrained weights, once, in place; the optimizer holds the parameters already.

        Warns where a frozen network has none to load.

        Raises:
            RuntimeError: If the download fails.
            FileNotFoundError: If ``checkpoint_path`` is no file.
            ValueError: If that file cannot be read or does not fit the network.
        """
        # Not that of BaseModule, which would go on to timm's own init_weights and make the weights random again.
        if not self.is_init and (self.checkpoint_path or self.pretrained):
            loaded = self._load_from_file(self.checkpoint_path) if self.checkpoint_path else self._load_from_timm()
            self.vit.load_state_dict(self._adapt(loaded).state_dict())
        elif not self.is_init and self.frozen:
            warnings.warn(
                f'{self.model_name} is frozen and its weights are random, so that it sees nothing: give a local file '
                'by model.backbone.checkpoint_path=..., download them by model.backbone.pretrained=True, or train '
                'them by model.backbone.frozen=False (a checkpoint that load_from names brings them too)',
                stacklevel=2,
            )
        self.is_init = True

    def train(self, mode: bool = True) -> 'TIMMViT':
        """Of a frozen network only the adapters' dropout knows training from evaluation."""
        super().train(mode)
        if self.frozen:
            self.vit.eval()
            for module in self.vit.modules():
                dropout = getattr(module, 'lora_dropout', None)
                if isinstance(dropout, nn.Module):
                    dropout.train(mode)
        return self

    # timm's networks have more than a Module, and no common class that says so.
    def _create(self, **source: Any) -> Any:
        """Build the network without adapters."""
        timm = _import('timm')
        try:
            return timm.create_model(self.model_name, num_classes=0, dynamic_img_size=True, **source, **self.options)
        except TypeError as error:
            raise ValueError(
                f"{self.model_name} does not take these options, or is no vision transformer (mmseg's TIMMBackbone has "
                f"timm's other networks): {error}"
            ) from error

    def _adapt(self, vit: Any) -> Any:
        """Drop what is not used and put the adapters in."""
        vit.prune_intermediate_layers(list(self.out_indices), prune_head=True)
        if self.adapters is None:
            return vit
        peft = _import('peft')
        # Else timm's Eva takes the weight out of `qkv` to add the bias, past the adapter.
        for module in vit.modules():
            if hasattr(module, 'qkv_bias_separate'):
                module.qkv_bias_separate = True
        config = peft.LoraConfig(**{'exclude_modules': [PATCH_EMBEDDING], **self.adapters})
        return peft.inject_adapter_in_model(config, vit)

    def _load_from_timm(self) -> nn.Module:
        """The network with timm's weights."""
        try:
            return self._create(pretrained=True)
        except Exception as error:  # each way to a download has exceptions of its own
            raise RuntimeError(
                f'the weights of {self.model_name} could not be downloaded: give a local file by '
                'model.backbone.checkpoint_path=..., or train from random weights by model.backbone.pretrained=False '
                f'and model.backbone.frozen=False ({error})'
            ) from error

    def _load_from_file(self, path: str) -> nn.Module:
        """The network with a local file's weights, all of them."""
        state = _read(path)
        state = {name: value for name, value in state.items() if not name.startswith('head.')}
        # With the model's number of classes timm is strict.
        source = dict(state_dict=state, num_classes=0, classifier=None)
        try:
            return self._create(pretrained=True, pretrained_cfg_overlay=source)
        except Exception as error:  # timm's conversions meet names that they do not expect
            reason = textwrap.shorten(str(error), ERROR_WIDTH)
            raise ValueError(f'the checkpoint {path} does not fit {self.model_name}: {reason}') from error


def _indices(vit: Any, out_indices: Sequence[int]) -> tuple[int, ...]:
    """Check the indices and make them count from the beginning."""
    blocks = len(vit.blocks)
    found = tuple(index + blocks if index < 0 else index for index in out_indices)
    if not found or list(found) != sorted(set(found)) or found[0] < 0 or found[-1] >= blocks:
        raise ValueError(f'out_indices must be ascending indices of the {blocks} blocks, got {tuple(out_indices)}')
    return found


def _read(path: str) -> dict[str, Tensor]:
    """Read a state dict without running code from it."""
    if Path(path).suffix != '.safetensors' or not Path(path).is_file():
        return dict(load_weights(path))
    try:
        return _import('safetensors.torch').load_file(path)
    except Exception as error:  # damaged bytes
        raise ValueError(f'the checkpoint {path} cannot be read ({error})') from error


def _import(name: str) -> ModuleType:
    """Import what not every user of the package has."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"TIMMViT needs {name}: pip install '.[dino]' in this project's folder ({error})") from error
