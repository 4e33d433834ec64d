r"""Convert the authors' released weights of IF-OSN to a checkpoint of this project.

The files, linked from the README of github.com/HighwayWu/ImageForensicsOSN, tell themselves what they are:
  detector_weights.pth   the detector: the model of configs/peers/ifosn.py
  OSN_UNet_weights.pth   the noise of social networks, for trainings: configs/peers/ifosn_retrained_osn.py

A file that the released training saved has both; its detector is taken. Every tensor is converted or told as dropped.
A missing or unexpected one, or one of another shape, is an error. Code in the file does not run. docs/guide/ifosn.md
says what is equal to the released code.

Example:
  python tools/model_converters/ifosn2mmseg.py detector_weights.pth ifosn.pth
  python tools/test.py configs/peers/ifosn.py ifosn.pth

  python tools/model_converters/ifosn2mmseg.py OSN_UNet_weights.pth weights/osn_unet.pth
  python tools/train.py configs/peers/ifosn_retrained_osn.py
"""

import re
from collections.abc import Mapping

from torch import Tensor

from focal_mmseg.engine.conversion import Dropped, Release, run

LICENCE = 'MIT (2021, HighwayWu), of the code; the authors say nothing else of the weights'
DETECTOR = re.compile(r'(?:module\.)?det_net\.')
NOISE = re.compile(r'(?:module\.)?osn_net\.')
UNET = re.compile(r'(?:module\.)?(Conv[1-5]|Up[2-5]|Up_conv[2-5]|Conv|diff_jpeg)\.')

# Released names to ours; the encoder's, timm's, are equal behind the stage.
OF_DETECTOR = (
    (r'encoder_stages\.0\.', 'backbone.timm_model.layer0.'),
    (r'encoder_stages\.1\.1\.', 'backbone.timm_model.layer1.'),
    (r'encoder_stages\.([234])\.', r'backbone.timm_model.layer\1.'),
    # The released code counts from the finest map, which is the last to be merged.
    (r'decoder_stages\.([0-3])\.layer\.1\.', lambda found: f'decode_head.upsamples.{3 - int(found[1])}.0.'),
    (r'bottlenecks\.([0-3])\.seq\.0\.', r'decode_head.merges.\1.0.0.'),
    (r'bottlenecks\.([0-3])\.seq\.2\.fc1\.', r'decode_head.merges.\1.1.channels.1.'),
    (r'bottlenecks\.([0-3])\.seq\.2\.fc2\.', r'decode_head.merges.\1.1.channels.3.'),
    (r'bottlenecks\.([0-3])\.seq\.2\.spatial_se\.0\.', r'decode_head.merges.\1.1.points.0.'),
    (r'last_upsample\.layer\.1\.', 'decode_head.last_upsample.0.'),
    (r'final\.0\.', 'decode_head.score.'),
)
OF_UNET = (
    (r'Conv([1-5])\.conv\.', lambda found: f'noise.unet.downs.{int(found[1]) - 1}.'),
    # Up5 is the coarsest and the first.
    (r'Up([2-5])\.up\.', lambda found: f'noise.unet.ups.{5 - int(found[1])}.'),
    (r'Up_conv([2-5])\.conv\.', lambda found: f'noise.unet.merges.{5 - int(found[1])}.'),
    (r'Conv\.', 'noise.unet.last.'),
)
TRAINING = Dropped('osn_net', "the noise of a training; convert the authors' OSN_UNet_weights.pth for one of your own")
CONSTANTS = Dropped('diff_jpeg', 'tables and cosines of JPEG, which are constants here')


def rename(name: str) -> str | Dropped | None:
    """Our name of a tensor of the detector."""
    if NOISE.match(name):
        return TRAINING
    return _by(OF_DETECTOR, DETECTOR.sub('', name, count=1)) if DETECTOR.match(name) else None


def rename_unet(name: str) -> str | Dropped | None:
    """Our name of a tensor of the noise U-Net."""
    name = name.removeprefix('module.')
    return CONSTANTS if name.startswith('diff_jpeg.') else _by(OF_UNET, name)


def _by(rules: tuple, name: str) -> str | None:
    for pattern, ours in rules:
        if found := re.match(pattern, name):
            return found.re.sub(ours, name, count=1)
    return None


def identify_release(state: Mapping[str, Tensor]) -> Release:
    """Which of the two it is.

    Raises:
        ValueError: If it is neither.
    """
    if any(DETECTOR.match(name) for name in state):
        return Release('IF-OSN, detector', 'detector_weights.pth', 'configs/peers/ifosn.py', LICENCE, rename)
    if all(UNET.match(name) for name in state):
        return Release(
            'IF-OSN, noise U-Net',
            'OSN_UNet_weights.pth',
            'configs/peers/ifosn_retrained_osn.py',
            LICENCE,
            rename_unet,
            part='noise.unet.',
            next_step='python tools/train.py {config} --cfg-options model.noise.checkpoint={checkpoint}',
        )
    raise ValueError(
        'it is neither the detector (module.det_net.*) nor the noise U-Net (Conv1.*, Up5.*, ...); it begins with '
        f'{", ".join(list(state)[:3])}'
    )


if __name__ == '__main__':
    run(__doc__, identify_release)
