r"""Convert the authors' released FOCAL weights, or first weights of a backbone, to a checkpoint of this project.

The file itself tells what it is:
  FOCAL_ViT_weights.pth       the model of configs/focal_vit_official.py
  FOCAL_HRNet_weights.pth     the model of configs/focal_hrnet_official.py
  sam_vit_{b,l,h}_*.pth       SAM's, from segment-anything: a ViT to start a training from
  hrnetv2_w*_imagenet_*.pth   HRNet's, from HRNet-Image-Classification: an HRNet to start a training from

Every tensor is converted or told as dropped. A missing or unexpected one, or one of another shape, is an error. Code in
the file does not run. docs/guide/weights.md says what is equal to the released code.

Example:
  python tools/model_converters/focal2mmseg.py FOCAL_ViT_weights.pth focal_vit.pth
  python tools/test.py configs/focal_vit_official.py focal_vit.pth

  python tools/model_converters/focal2mmseg.py sam_vit_l_0b3195.pth sam_vit_l.pth
  python tools/train.py configs/focal_vit.py --cfg-options model.backbone.init_cfg.checkpoint=sam_vit_l.pth
"""

import argparse
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from mmpretrain.models import HRNet, ViTSAM
from torch import Size, Tensor, nn

from focal_mmseg.engine.checkpoint import read_checkpoint
from focal_mmseg.engine.conversion import find_state_dict, write

# In FOCAL's files the network is the attribute `net` of a module inside a DataParallel.
PREFIXES = ('module.net.', 'net.', 'module.', '')
OF_VIT = r'image_encoder\.'
OF_HRNET = r'stage[234]\.\d+\.branches\.'

# What mmpretrain calls the parts of SAM's image encoder, and what SAM does.
SAMS_NAMES = (
    ('patch_embed.projection.', 'patch_embed.proj.'),
    ('.ln1.', '.norm1.'),
    ('.ln2.', '.norm2.'),
    ('.ffn.layers.0.0.', '.mlp.lin1.'),
    ('.ffn.layers.1.', '.mlp.lin2.'),
    ('channel_reduction.', 'neck.'),
    ('layers.', 'blocks.'),
)
SAMS_OTHER_PARTS = ('prompt_encoder', 'mask_decoder', 'pixel_mean', 'pixel_std')
HRNETS_HEADS = ('final_layer', 'incre_modules', 'downsamp_modules', 'classifier')
HRNETS_OTHER_OUTPUTS = tuple(f'stage4.2.fuse_layers.{output}' for output in (1, 2, 3))


@dataclass(frozen=True)
class Converted:
    """A released file in the names of mmpretrain's and mmseg's backbones.

    Attributes:
        network (str): What it is, in words.
        config (str | None): The config whose whole model it is; None if it is a backbone to start a training from.
        state (dict[str, Tensor]): Its tensors as they were, by names that begin with ``backbone.``.
        dropped (dict[str, int]): Parts of the file that the features do not depend on: how many tensors each has.
    """

    network: str
    config: str | None
    state: dict[str, Tensor]
    dropped: dict[str, int]


def convert(state: Mapping[str, Tensor]) -> Converted:
    """Convert FOCAL's released ViT or HRNet, SAM, or HRNet's classification weights.

    The names and shapes are those of github.com/HighwayWu/FOCAL, facebookresearch/segment-anything and
    HRNet/HRNet-Image-Classification.

    Args:
        state (Mapping[str, Tensor]): As released.

    Returns:
        Converted: Each tensor is in its ``state`` or counted in its ``dropped``.

    Raises:
        ValueError: If it is none of these, or a tensor is missing, unexpected or of another shape.
    """
    for marker, convert_network in ((OF_VIT, _convert_vit), (OF_HRNET, _convert_hrnet)):
        for prefix in PREFIXES:
            if any(re.match(re.escape(prefix) + marker, name) for name in state):
                return convert_network(state, prefix, prefix.endswith('net.'))
    raise ValueError(
        'it holds neither image_encoder.* (a ViT) nor stage2.*.branches.* (an HRNet), bare or after "module.net."; '
        f'it begins with {", ".join(list(state)[:3])}'
    )


def _convert_vit(state: Mapping[str, Tensor], prefix: str, is_focals: bool) -> Converted:
    kept, dropped = _without(state, prefix, SAMS_OTHER_PARTS)
    prefix = f'{prefix}image_encoder.'
    backbone = _build_vit(kept, prefix)
    return Converted(
        f'{"FOCAL (ViT)" if is_focals else "SAM"}, {backbone.embed_dims} wide, {backbone.num_layers} blocks',
        'configs/focal_vit_official.py' if is_focals and backbone.embed_dims == 1024 else None,
        _renamed(kept, backbone, lambda name: prefix + _sams_name(name)),
        dropped,
    )


def _convert_hrnet(state: Mapping[str, Tensor], prefix: str, is_focals: bool) -> Converted:
    # FOCAL reads the last stage's first map alone. A network that starts from a classifier may read the others too.
    kept, dropped = _without(state, prefix, HRNETS_HEADS + (HRNETS_OTHER_OUTPUTS if is_focals else ()))
    width = _read_shape(kept, f'{prefix}stage2.0.branches.0.0.conv1.weight', 4)[0]
    has_all_maps = any(name.startswith(tuple(f'{prefix}{part}.' for part in HRNETS_OTHER_OUTPUTS)) for name in kept)
    with torch.device('meta'):
        backbone = HRNet(extra=_hrnet_stages(width), multiscale_output=has_all_maps)
    return Converted(
        f'{"FOCAL (HRNet)" if is_focals else "HRNet"}, W{width}',
        'configs/focal_hrnet_official.py' if is_focals and width == 32 else None,
        _renamed(kept, backbone, lambda name: prefix + name),
        dropped,
    )


def _without(
    state: Mapping[str, Tensor], prefix: str, parts: tuple[str, ...]
) -> tuple[dict[str, Tensor], dict[str, int]]:
    """What is left without some parts, and how many tensors each of these has."""
    part_of = re.compile(re.escape(prefix) + f'({"|".join(map(re.escape, parts))})' + r'(\.|$)')
    found = {name: part_of.match(name) for name in state}
    dropped = Counter(match[1] for match in found.values() if match)
    return {name: state[name] for name, match in found.items() if not match}, dict(dropped)


def _build_vit(state: Mapping[str, Tensor], prefix: str) -> ViTSAM:
    """SAM's image encoder of the size in a file, without memory for its weights.

    A published width has the published depth, so that a lost block is noticed. Anything else is as the shapes say.
    """
    _, rows, columns, width = _read_shape(state, f'{prefix}pos_embed', 4)
    patch = _read_shape(state, f'{prefix}patch_embed.proj.weight', 4)[-1]
    published = {arch['embed_dims']: name for name, arch in ViTSAM.arch_zoo.items()}
    options = dict(arch=published[width]) if width in published else _vit_by_shapes(state, prefix, width, rows)
    with torch.device('meta'):
        return ViTSAM(img_size=(rows * patch, columns * patch), patch_size=patch, **options)


def _vit_by_shapes(state: Mapping[str, Tensor], prefix: str, width: int, rows: int) -> dict:
    """Options of ViTSAM: a block looks as far as its relative positions reach."""
    head = _read_shape(state, f'{prefix}blocks.0.attn.rel_pos_h', 2)[1]
    positions = re.compile(re.escape(prefix) + r'blocks\.(\d+)\.attn\.rel_pos_h')
    matches = {name: positions.fullmatch(name) for name in state}
    sides = {int(match[1]): (_read_shape(state, name, 2)[0] + 1) // 2 for name, match in matches.items() if match}
    return dict(
        arch=dict(
            embed_dims=width,
            num_layers=max(sides) + 1,
            num_heads=max(1, width // head),
            feedforward_channels=_read_shape(state, f'{prefix}blocks.0.mlp.lin1.weight', 2)[0],
            global_attn_indexes=[block for block, side in sides.items() if side == rows],
        ),
        window_size=min(sides.values()),
        out_channels=_read_shape(state, f'{prefix}neck.0.weight', 4)[0],
    )


def _hrnet_stages(width: int) -> dict[str, dict]:
    """HRNet's four stages, as published but for the width of the first branch."""
    stages = dict(stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(4,), num_channels=(64,)))
    for branches, modules in ((2, 1), (3, 4), (4, 3)):
        stages[f'stage{branches}'] = dict(
            num_modules=modules,
            num_branches=branches,
            block='BASIC',
            num_blocks=(4,) * branches,
            num_channels=tuple(width << branch for branch in range(branches)),
        )
    return stages


def _sams_name(name: str) -> str:
    for ours, sams in SAMS_NAMES:
        name = name.replace(ours, sams)
    return name


def _read_shape(state: Mapping[str, Tensor], name: str, dimensions: int) -> Size:
    """The shape of a tensor by which the size of the network is told."""
    if name not in state:
        raise ValueError(f'missing: {name}, by which the size of the network is told')
    shape = state[name].shape
    if len(shape) != dimensions or 0 in shape:
        raise ValueError(f'{name} has the shape {tuple(shape)}, not {dimensions} dimensions above 0')
    return shape


def _renamed(state: Mapping[str, Tensor], backbone: nn.Module, released: Callable[[str], str]) -> dict[str, Tensor]:
    """The tensors by the backbone's names, where nothing is missing, unexpected or of another shape."""
    expected = {released(name): (name, value.shape) for name, value in backbone.state_dict().items()}
    found = [f'missing: {name}' for name in expected if name not in state]
    found += [f'unexpected: {name}' for name in state if name not in expected]
    found += [
        f'{name}: {tuple(state[name].shape)} in the file, {tuple(shape)} in the network'
        for name, (_, shape) in expected.items()
        if name in state and state[name].shape != shape
    ]
    if found:
        raise ValueError('\n  '.join([f"{len(found)} tensors are not the network's:", *found]))
    return {f'backbone.{name}': state[each] for each, (name, _) in expected.items()}


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', type=Path, metavar='IN.pth', help='the released file')
    parser.add_argument('target', type=Path, metavar='OUT.pth', help='the checkpoint to write')
    return parser.parse_args()


def report(converted: Converted, target: Path) -> None:
    """Tell what was converted, what was dropped, and what to do with the result."""
    print(f'{converted.network}: {len(converted.state)} tensors written to {target}')
    for part, tensors in sorted(converted.dropped.items()):
        print(f'dropped, the features do not depend on it: {part} ({tensors} tensors)')
    if converted.config:
        print(f'python tools/test.py {converted.config} {target}')
    else:
        print(f"start from it: backbone.init_cfg=dict(type='Pretrained', checkpoint='{target}', prefix='backbone.')")


def main() -> None:
    """Convert."""
    args = parse_args()
    if args.target.resolve() == args.source.resolve():
        raise SystemExit(f'{args.target} is the released file itself: give another OUT.pth')
    try:
        content = read_checkpoint(args.source)
    except (OSError, ValueError) as error:
        raise SystemExit(
            f'{error}\nDownload it again. Where it holds more than weights and you trust it, save its state dict alone.'
        ) from error
    try:
        converted = convert(find_state_dict(content))
    except ValueError as error:
        raise SystemExit(
            f'{args.source} cannot be converted: {error}\nGive one of the files that --help names, as it was released.'
        ) from error
    write(converted.state, args.target)
    report(converted, args.target)


if __name__ == '__main__':
    main()
