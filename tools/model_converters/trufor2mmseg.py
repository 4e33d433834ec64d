r"""Convert TruFor's released weights to a checkpoint of configs/peers/trufor.py.

IN is trufor.pth.tar, out of TruFor_weights.zip (MD5 7bee48f3476c75616c3c5721ab256ff8), which the README of
github.com/grip-unina/TruFor links; what its training code writes after the last phase will do too. Every tensor is
converted; a missing or unexpected one, or one of another shape, is an error. Code in the file does not run, and the
state of the optimizer is left. Noiseprint++'s file, noiseprint++.th, needs no conversion: docs/guide/trufor.md.

The weights, and whatever is made of them, stay under GRIP-UNINA's terms: for information and non-profit use only.

Example:
  python tools/model_converters/trufor2mmseg.py trufor.pth.tar trufor.pth
  python tools/predict.py photo.jpg --config configs/peers/trufor.py --checkpoint trufor.pth --out predictions
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from focal_mmseg.engine.conversion import Release, run

LICENCE = (
    "GRIP-UNINA's own terms, which also hold for the file that was written: for information and NON-PROFIT use only; "
    'keep their notices; cite Guillaro et al., "TruFor: Leveraging all-round clues for trustworthy image forgery '
    'detection and localization", CVPR 2023. Read the licence in github.com/grip-unina/TruFor before you use it.'
)
# Whole released names and ours. Stages, levels and sides count from 1 there and from 0 here.
STREAM = r'backbone\.(?P<extra>extra_)?'
BLOCK = STREAM + r'block(?P<stage>\d)\.(?P<block>\d+)\.'
OURS = 'backbone.encoder.{stream}.layers.{stage}.'
FUSION = r'backbone\.FFMs\.(?P<fusion>\d)\.'
DECODER = r'decode_head(?P<confidence>_conf)?\.'
REST = r'(?P<rest>.+)'
NAMES = (
    (rf'{STREAM}patch_embed(?P<stage>\d)\.proj\.{REST}', OURS + '0.projection.{rest}'),
    (rf'{STREAM}patch_embed(?P<stage>\d)\.norm\.{REST}', OURS + '0.norm.{rest}'),
    (rf'{STREAM}norm(?P<stage>\d)\.{REST}', OURS + '2.{rest}'),
    (rf'{BLOCK}attn\.qkv\.{REST}', OURS + '1.{block}.attn.attn.in_proj_{rest}'),
    (rf'{BLOCK}attn\.proj\.{REST}', OURS + '1.{block}.attn.attn.out_proj.{rest}'),
    (rf'{BLOCK}mlp\.fc1\.{REST}', OURS + '1.{block}.ffn.layers.0.{rest}'),
    (rf'{BLOCK}mlp\.dwconv\.dwconv\.{REST}', OURS + '1.{block}.ffn.layers.1.{rest}'),
    (rf'{BLOCK}mlp\.fc2\.{REST}', OURS + '1.{block}.ffn.layers.4.{rest}'),
    (rf'{BLOCK}(?P<rest>(norm1|norm2|attn\.sr|attn\.norm)\..+)', OURS + '1.{block}.{rest}'),
    (
        rf'backbone\.FRMs\.(?P<fusion>\d)\.(?P<gate>channel|spatial)_weights\.mlp\.{REST}',
        'backbone.encoder.rectifications.{fusion}.{gate}_gate.{rest}',
    ),
    (rf'{FUSION}cross\.channel_proj(?P<side>\d)\.{REST}', 'backbone.encoder.fusions.{fusion}.project.{side}.{rest}'),
    (
        rf'{FUSION}cross\.cross_attn\.kv(?P<side>\d)\.{REST}',
        'backbone.encoder.fusions.{fusion}.key_value.{side}.{rest}',
    ),
    (rf'{FUSION}cross\.end_proj(?P<side>\d)\.{REST}', 'backbone.encoder.fusions.{fusion}.end.{side}.{rest}'),
    (rf'{FUSION}cross\.norm(?P<side>\d)\.{REST}', 'backbone.encoder.fusions.{fusion}.norm.{side}.{rest}'),
    (rf'{FUSION}channel_emb\.residual\.{REST}', 'backbone.encoder.fusions.{fusion}.shortcut.{rest}'),
    (rf'{FUSION}channel_emb\.channel_embed\.{REST}', 'backbone.encoder.fusions.{fusion}.embed.{rest}'),
    (rf'{FUSION}channel_emb\.norm\.{REST}', 'backbone.encoder.fusions.{fusion}.merged_norm.{rest}'),
    (rf'{DECODER}linear_c(?P<level>\d)\.proj\.{REST}', '{head}.projections.{level}.{rest}'),
    (rf'{DECODER}linear_fuse\.0\.{REST}', '{head}.fuse.{rest}'),
    (rf'{DECODER}linear_fuse\.1\.{REST}', '{head}.norm.{rest}'),
    (rf'{DECODER}linear_pred\.{REST}', '{head}.conv_seg.{rest}'),
    (rf'detection\.{REST}', 'detector.layers.{rest}'),
    (rf'dncnn\.{REST}', 'backbone.noiseprint.layers.{rest}'),
)
COUNTED_FROM_1 = ('stage', 'side', 'level')
AS_CONVOLUTIONS = re.compile(r'.*(mlp\.fc[12]|linear_c\d\.proj)\.weight')


def rename(name: str) -> str | None:
    """Our name of a released tensor, None if there is none."""
    for pattern, ours in NAMES:
        if match := re.fullmatch(pattern, name):
            found = match.groupdict()
            found |= {key: int(found[key]) - 1 for key in COUNTED_FROM_1 if key in found}
            stream = 'other' if found.get('extra') else 'rgb'
            head = 'confidence_head' if found.get('confidence') else 'decode_head'
            return ours.format(**found, stream=stream, head=head)
    return None


def rearrange(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Queries, keys and values in one tensor, and linear layers of maps as convolutions, as mmseg has them."""
    found = {}
    for name, value in state.items():
        pair = name.replace('.attn.q.', '.attn.kv.') if '.attn.q.' in name else name.replace('.attn.kv.', '.attn.q.')
        if pair != name and pair in state:
            if '.attn.q.' in name:
                found[name.replace('.attn.q.', '.attn.qkv.')] = torch.cat([value, state[pair]])
        else:
            found[name] = value[..., None, None] if AS_CONVOLUTIONS.fullmatch(name) else value
    return found


TRUFOR = Release(
    'TruFor',
    'trufor.pth.tar of TruFor_weights.zip, linked from the README of github.com/grip-unina/TruFor',
    'configs/peers/trufor.py',
    LICENCE,
    rename,
    rearrange,
)


def identify_release(state: Mapping[str, Tensor]) -> Release:
    """Which release some tensors are.

    Raises:
        ValueError: If they are Noiseprint++'s alone.
    """
    if '47.weight' in state and not any(name.startswith('backbone.') for name in state):
        raise ValueError(
            'it is noiseprint++.th, which a training reads as it is: name it by '
            'model.backbone.noiseprint.checkpoint_path'
        )
    return TRUFOR


if __name__ == '__main__':
    run(__doc__, identify_release)
