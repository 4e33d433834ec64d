r"""Convert the authors' released weights of MVSS-Net to a checkpoint of this project.

The files are linked from the README of github.com/dong03/MVSS-Net: mvssnet_casia.pt and that trained on DEFACTO. The
model is that of configs/peers/mvss.py. resfcn_casia.pt is another network; MVSS-Net++'s code was never released.

Every tensor is converted or told as dropped. A missing or unexpected one, one of another shape, or a Sobel filter that
is none, is an error. Code in the file does not run. docs/guide/mvss.md says what is equal to the released code.

Example:
  python tools/model_converters/mvss2mmseg.py mvssnet_casia.pt mvss.pth
  python tools/test.py configs/peers/mvss.py mvss.pth
"""

import re
from collections.abc import Mapping

from torch import Tensor

from focal_mmseg.engine.conversion import Dropped, Release, run
from focal_mmseg.models.decode_heads.sobel_edge_head import SOBEL

LICENCE = (
    'the authors give none, so all rights to the weights are theirs: do not pass the result on, and ask them before '
    'you publish or sell what is made with it'
)
CLASSIFIER = Dropped('fc', "the ResNets' classifiers of ImageNet, which the network never calls")
FILTERS = Dropped('sobel filters', 'checked; they are constants here')

SOBELS = re.compile(r'sobel_([xy])([1-4])\.0\.weight')
HEAD = {
    'conv_p1.0': 'pam_in_conv.conv',
    'conv_p1.1': 'pam_in_conv.bn',
    'conv_c1.0': 'cam_in_conv.conv',
    'conv_c1.1': 'cam_in_conv.bn',
    'conv_p2.0': 'pam_out_conv.conv',
    'conv_p2.1': 'pam_out_conv.bn',
    'conv_c2.0': 'cam_out_conv.conv',
    'conv_c2.1': 'cam_out_conv.bn',
    'pam.conv_b': 'pam.query_project',
    'pam.conv_c': 'pam.key_project',
    'pam.conv_d': 'pam.value_project',
    'out.1': 'conv_seg',
}
GATES = {'head.pam.alpha': 'decode_head.pam.gamma.scale', 'head.cam.beta': 'decode_head.cam.gamma.scale'}
BLOCK = dict(conv1='reduce', conv2='refine.0', bn='refine.1', conv3='refine.3')
LEVEL = re.compile(r'(sobel_[xy]|erb_db_|erb_trans_)([1-4])\.(\w+)\.(\w+)')


def rename(name: str) -> str | Dropped | None:
    """Our name of a tensor, also of its part in mmseg's modules, where they have one."""
    if name in GATES:
        return GATES[name]
    if name == 'constrain_conv.kernel':
        return 'backbone.bayar.kernel'
    for theirs, ours in (('model.', 'backbone.image.'), ('noise_extractor.model.', 'backbone.noise.')):
        if name.startswith(theirs):
            return CLASSIFIER if name.startswith(f'{theirs}fc.') else ours + name.removeprefix(theirs)
    if name.startswith('head.'):
        return _rename_head(name.removeprefix('head.'))
    return _rename_edges(name)


def _rename_head(name: str) -> str | None:
    part, _, tensor = name.rpartition('.')
    return f'decode_head.{HEAD[part]}.{tensor}' if part in HEAD else None


def _rename_edges(name: str) -> str | Dropped | None:
    if SOBELS.fullmatch(name):
        return FILTERS
    found = LEVEL.fullmatch(name)
    if not found:
        return None
    part, number, layer, tensor = found.groups()
    if part.startswith('sobel'):
        return f'auxiliary_head.sobels.{int(number) - 1}.norm_{part[-1]}.{tensor}' if layer == '1' else None
    group = 'levels' if part == 'erb_db_' else 'steps'
    return f'auxiliary_head.{group}.{int(number) - 1}.{BLOCK[layer]}.{tensor}' if layer in BLOCK else None


def identify_release(state: Mapping[str, Tensor]) -> Release:
    """MVSS-Net, whose Sobel filters are checked.

    Raises:
        ValueError: If there is none, or a filter has other values than Sobel's.
    """
    filters = {name: found for name in state if (found := SOBELS.fullmatch(name))}
    if not filters:
        raise ValueError(f'it has no sobel_* and so is no MVSS-Net; it begins with {", ".join(list(state)[:3])}')
    for name, found in filters.items():
        sobel = state[name].new_tensor(SOBEL)
        if not (state[name] == (sobel if found[1] == 'x' else sobel.T)).all():
            raise ValueError(f'{name} is not the Sobel filter that the network is built with')
    return Release('MVSS-Net', 'mvssnet_casia.pt', 'configs/peers/mvss.py', LICENCE, rename)


if __name__ == '__main__':
    run(__doc__, identify_release)
