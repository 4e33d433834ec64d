r"""Convert CAT-Net's released weights to a checkpoint of this project.

The authors' README, mjkwon2021/CAT-Net, links the files. Each alone is converted:
  CAT_full_v1.pth.tar, CAT_full_v2.pth.tar   the model of configs/peers/catnet.py
  DCT_djpeg.pth.tar, DCT_only_v2.pth.tar     the stream of the coefficients, to start a training from

Every tensor is converted or told as dropped; a missing or unexpected one, or one of another shape, is an error. The
state of the optimizer beside them is left. Code in the files does not run. docs/guide/catnet.md says what is equal to
the released code.

Example:
  python tools/model_converters/catnet2mmseg.py CAT_full_v2.pth.tar catnet_v2.pth
  python tools/test.py configs/peers/catnet.py catnet_v2.pth
"""

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from focal_mmseg.engine.conversion import Dropped, Release, run

HEAD = ('transition4.', 'stage5.', 'last_layer.')
STREAM = 'dc_'
CLASSIFIER = 'last_layer.3.'
OTHER_HEAD = Dropped('the rest of the network', 'the stream of the coefficients is started from alone')


def rename(name: str) -> str:
    """A released name in this project's: mmseg's heads call their last layer conv_seg."""
    if name.startswith(CLASSIFIER):
        return f'decode_head.conv_seg.{name.removeprefix(CLASSIFIER)}'
    return f'decode_head.{name}' if name.startswith(HEAD) else f'backbone.{name}'


def rename_stream(name: str) -> str | Dropped:
    """A name of a network that has the stream of the coefficients alone."""
    return f'backbone.{name}' if name.startswith(STREAM) else OTHER_HEAD


RELEASE = Release(
    network='CAT-Net (v1: WACV 2021, v2: IJCV 2022)',
    files="CAT_full_v1.pth.tar or CAT_full_v2.pth.tar, linked from the authors' README, mjkwon2021/CAT-Net",
    config='configs/peers/catnet.py',
    licence='CC BY 4.0, by Myung-Joon Kwon and others: give credit wherever the weights go. The HRNet in it is MIT, '
    'Copyright (c) Microsoft Corporation.',
    rename=rename,
)
STREAM_ALONE = replace(
    RELEASE,
    network="CAT-Net's stream of JPEG coefficients",
    files="DCT_djpeg.pth.tar or DCT_only_v2.pth.tar, linked from the authors' README, mjkwon2021/CAT-Net",
    rename=rename_stream,
    part='backbone.dc_',
    next_step='docs/guide/catnet.md shows the config that starts from {checkpoint}',
)


def identify_release(state: Mapping[str, Tensor]) -> Release:
    """The whole network, or the stream of the coefficients alone.

    Raises:
        ValueError: If it is neither.
    """
    if not any(name.startswith(STREAM) for name in state):
        raise ValueError(f'no tensor begins with {STREAM}, as those of the stream of JPEG coefficients do')
    return RELEASE if 'stage2.0.branches.0.0.conv1.weight' in state else STREAM_ALONE


if __name__ == '__main__':
    run(__doc__, identify_release)
