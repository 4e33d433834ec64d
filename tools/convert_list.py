"""Move lists of images in and out: our index.tsv, IMDL-BenCo's .json, the released code's .npy, MVSS-Net's .txt.

The endings of the two files say the forms; one of them is .tsv.

Example:
  python tools/convert_list.py CASIA2.json data/casia2.tsv
  python tools/convert_list.py data/casia2/index.tsv casia2.npy --images data/casia2/images --masks data/casia2/masks
"""

import argparse
import sys
from pathlib import Path

from focal_mmseg.datasets.exchange import export_list, import_list
from focal_mmseg.utils import command_parser


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = command_parser(__doc__)
    parser.add_argument('source', type=Path, help='the list to read')
    parser.add_argument('target', type=Path, help='the list to write')
    parser.add_argument('--root', help='into .tsv: paths are made relative to it; default the folder that they share')
    parser.add_argument('--images', help='from .tsv: folder of the images; default images beside the index')
    parser.add_argument('--masks', help='from .tsv: folder of the masks; default masks beside the index')
    args = parser.parse_args()
    if (args.source.suffix == '.tsv') == (args.target.suffix == '.tsv'):
        parser.error('one of the two files is our index and ends in .tsv')
    return args


def main() -> None:
    """Convert."""
    args = parse_args()
    try:
        if args.target.suffix == '.tsv':
            root = import_list(args.source, args.target, args.root)
            prefix = "data_prefix=dict(img_path='', seg_map_path='')"
            print(f"written to {args.target}: data_root='{root}', ann_file='{args.target.resolve()}', {prefix}")
            print('pristine images have no mask: pristine_without_mask=True')
            print(f'check it: python tools/check_data.py {args.target} --root {root}')
            return
        beside = args.source.parent
        images, masks = args.images or (beside / 'images').as_posix(), args.masks or (beside / 'masks').as_posix()
        export_list(args.source, args.target, images, masks)
        print(f'written to {args.target}')
    except (OSError, ValueError) as error:
        sys.exit(str(error))


if __name__ == '__main__':
    main()
