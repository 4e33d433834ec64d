r"""Convert the authors' released FOCAL weights, or first weights of a backbone, to a checkpoint of this project.

The file itself tells what it is:
  FOCAL_ViT_weights.pth       the model of configs/focal_vit_official.py
  FOCAL_HRNet_weights.pth     the model of configs/focal_hrnet_official.py
  sam_vit_{b,l,h}_*.pth       SAM's, from segment-anything: a ViT to start a training from
  hrnetv2_w*_imagenet_*.pth   HRNet's, from HRNet-Image-Classification: an HRNet to start a training from

Every tensor is converted or told as dropped. A missing or unexpected one, or one of another shape, is an error. Code in
the file does not run. docs/weights.md says what is equal to the released code.

Example:
  python tools/model_converters/focal2mmseg.py FOCAL_ViT_weights.pth focal_vit.pth
  python tools/test.py configs/focal_vit_official.py focal_vit.pth

  python tools/model_converters/focal2mmseg.py sam_vit_l_0b3195.pth sam_vit_l.pth
  python tools/train.py configs/focal_vit.py --cfg-options model.backbone.init_cfg.checkpoint=sam_vit_l.pth
"""

import argparse
from pathlib import Path

from converting import state_dict_in, write
from released import Converted, convert

from focal_mmseg.engine.checkpoint import read_checkpoint


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
        converted = convert(state_dict_in(content))
    except ValueError as error:
        raise SystemExit(
            f'{args.source} cannot be converted: {error}\nGive one of the files that --help names, as it was released.'
        ) from error
    write(converted.state, args.target)
    report(converted, args.target)


if __name__ == '__main__':
    main()
