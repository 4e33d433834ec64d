"""What a config's network costs: parameters, FLOPs, memory and time of one image."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from focal_mmseg.models.jpeg_data_preprocessor import CHANNELS, JPEGDataPreProcessor
from focal_mmseg.utils import read_config
from focal_mmseg.utils.benchmarking import extra_memory, time_call

NAMES_OF_WEIGHTS = ('init_cfg', 'pretrained', 'checkpoint_path')


def random_networks(cfg: Config) -> nn.ModuleList:
    """Build a config's network with random weights, whatever weights it names.

    Args:
        cfg (Config): With ``model``. Of a fusion the members' configs must be there, their checkpoints need not.

    Returns:
        nn.ModuleList: One segmentor, or the members of a fusion that count, ready for inference.
    """
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    members = [member for member in cfg.model.get('members', ()) if member.get('weight', 1)]
    models = [read_config(member.config).model for member in members] or [cfg.model]
    networks = nn.ModuleList(MODELS.build(drop_weights(model.to_dict())) for model in models)
    return revert_sync_batchnorm(networks).eval()


def drop_weights(node: Any) -> Any:
    """A copy of a model's config in which nothing, at any depth, names weights to be loaded or downloaded."""
    if isinstance(node, dict):
        return {key: None if key in NAMES_OF_WEIGHTS else drop_weights(value) for key, value in node.items()}
    return type(node)(map(drop_weights, node)) if isinstance(node, list | tuple) else node


def flops(call: Callable[[], object]) -> int:
    """Operations of the convolutions, matrix products and attentions of a call; a multiply-add is two."""
    # torch's counter knows the fused attention of accelerators; that of processors only once torch._decomp is imported.
    fused = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention_flops}
    with _attention_in_parts(), FlopCounterMode(display=False, custom_mapping=fused) as counter:
        call()
    return counter.get_total_flops()


def _attention_flops(query: torch.Size, key: torch.Size, value: torch.Size, *_: object, **__: object) -> int:
    return sdpa_flop_count(query, key, value)


@contextmanager
def _attention_in_parts() -> Iterator[None]:
    """Keep ``nn.MultiheadAttention`` off its fused path, of which torch's counter sees nothing."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def measure(config: str, size: int, device: str, repeats: int) -> dict[str, Any]:
    """What one image costs.

    Args:
        config (str): Config file.
        size (int): Height and width of the network's input.
        device (str): As torch names it.
        repeats (int): Forwards that are timed.

    Returns:
        dict[str, Any]: ``config``, ``size``, ``output`` (shapes of the embeddings or logits, one a network),
        ``parameters``, ``trainable``, ``flops``, ``weights_mib`` (parameters and buffers), ``memory_mib`` (what a
        forward adds to them at its peak, None where it is not known) and ``images_per_second``.
    """
    place = torch.device(device)
    networks = random_networks(read_config(config)).to(place)
    of_jpeg = any(isinstance(network.data_preprocessor, JPEGDataPreProcessor) for network in networks)
    image = torch.rand(1, CHANNELS if of_jpeg else 3, size, size, device=place)
    outputs: list[Tensor] = []

    # A fusion holds the maps of all its members at once.
    def forward() -> list[Tensor]:
        return [network(image, mode='tensor') for network in networks]

    def forward_and_forget() -> None:
        forward()

    with torch.no_grad():
        operations = flops(lambda: outputs.extend(forward()))
        shapes = [tuple(output.shape[1:]) for output in outputs]
        outputs.clear()
        (_, seconds), memory = extra_memory(lambda: time_call(forward_and_forget, place, repeats), place)
    parameters = list(networks.parameters())
    return dict(
        config=config,
        size=size,
        output=shapes,
        parameters=sum(each.numel() for each in parameters),
        trainable=sum(each.numel() for each in parameters if each.requires_grad),
        flops=operations,
        weights_mib=sum(each.numel() * each.element_size() for each in (*parameters, *networks.buffers())) / 2**20,
        memory_mib=memory,
        images_per_second=1 / seconds,
    )
