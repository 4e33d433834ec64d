r"""Convert PSCC-Net's released weights to a checkpoint of this project.

The three files lie in folders of the authors' repository, proteus1991/PSCC-Net, below checkpoint/:
  HRNet_checkpoint/HRNet.pth                     the extractor
  NLCDetection_checkpoint/NLCDetection.pth       the four masks
  DetectionHead_checkpoint/DetectionHead.pth     the detector
In any order they are the model of configs/peers/pscc.py. HRNet.pth alone becomes an extractor to start a training from,
as does hrnet_w18_small_v2.pth, which was trained on ImageNet (models/ in the same repository).

Every tensor is converted or told as dropped; a missing or unexpected one, or one of another shape, is an error. Code in
the files does not run. docs/guide/pscc.md says what is equal to the released code.

Example:
  python tools/model_converters/pscc2mmseg.py HRNet.pth NLCDetection.pth DetectionHead.pth pscc.pth
  python tools/test.py configs/peers/pscc.py pscc.pth

  python tools/model_converters/pscc2mmseg.py hrnet_w18_small_v2.pth hrnet_w18_small_v2_mmseg.pth
"""

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from focal_mmseg.engine.conversion import Dropped, Release, run

PREFIX = 'module.'
# What the names of each file begin with, once the prefix is gone; the extractor's are all others.
MASKS = 'getmask'
DETECTOR = ('incre_modules.', 'downsamp_modules.', 'final_layer.', 'classifier.')
CLASSIFIER = Dropped("ImageNet's classifier", 'PSCC-Net starts its own heads anew')


def rename(name: str) -> str | None:
    """A released name in this project's."""
    if not name.startswith(PREFIX):
        return None
    own = name.removeprefix(PREFIX)
    if own.startswith(MASKS):
        return f'decode_head.{own}'
    return f'decode_head.image_head.{own}' if own.startswith(DETECTOR) else f'backbone.{own}'


def rename_imagenet(name: str) -> str | Dropped:
    """A name of the network that the extractor was started from."""
    own = name.removeprefix('model.')
    return CLASSIFIER if own.startswith(DETECTOR) else f'backbone.{own}'


RELEASE = Release(
    network='PSCC-Net (TCSVT 2022)',
    files="HRNet.pth, NLCDetection.pth and DetectionHead.pth of the authors' repository, proteus1991/PSCC-Net",
    config='configs/peers/pscc.py',
    licence='MIT, Copyright (c) 2022 Xiaohong Liu; the HRNet in it MIT, Copyright (c) Microsoft Corporation. Keep both '
    'notices with the weights.',
    rename=rename,
)
EXTRACTOR = replace(
    RELEASE,
    network="PSCC-Net's extractor",
    files="HRNet.pth of the authors' repository, proteus1991/PSCC-Net",
    part='backbone.',
    next_step='python tools/train.py configs/peers/focal_pscc.py --cfg-options model.backbone.init_cfg.type=Pretrained '
    'model.backbone.init_cfg.prefix=backbone. model.backbone.init_cfg.checkpoint={checkpoint}',
)
IMAGENET = replace(
    EXTRACTOR,
    network='HRNet-W18-small-v2 of ImageNet',
    files="hrnet_w18_small_v2.pth of the authors' repository, or of HRNet's",
    licence='MIT, Copyright (c) Microsoft Corporation. ImageNet has terms of its own.',
    rename=rename_imagenet,
    next_step='docs/guide/pscc.md shows the config that starts from {checkpoint}',
)


def identify_release(state: Mapping[str, Tensor]) -> Release:
    """Which of the files there are.

    Raises:
        ValueError: If one of the three of the whole network is missing.
    """
    if not any(name.startswith(PREFIX) for name in state):
        return IMAGENET
    ours = [rename(name) or '' for name in state]
    found = {
        'HRNet.pth': any(name.startswith('backbone.') for name in ours),
        'NLCDetection.pth': any(name.startswith(f'decode_head.{MASKS}') for name in ours),
        'DetectionHead.pth': any(name.startswith('decode_head.image_head.') for name in ours),
    }
    missing = [file for file, is_there in found.items() if not is_there]
    if missing == ['NLCDetection.pth', 'DetectionHead.pth']:
        return EXTRACTOR
    if missing:
        raise ValueError(f'{" and ".join(missing)} of the three files missing; HRNet.pth alone is an extractor')
    return RELEASE


if __name__ == '__main__':
    run(__doc__, identify_release)
