r"""Write the embeddings of a network for its test set to a file, which gates.py and image_scores.py read.

The network runs once; rules and image scores are then measured from the file, as often as one likes. It holds float32:
0.2 MB for an image of 256x384 pixels with the network that ships.

Example:
  python tools/analysis_tools/embed.py configs/focal_lite.py focal_mmseg/weights/focal_lite.pth \
      --data configs/_base_/datasets/casia1.py --out work_dirs/casia1.zip
"""

import argparse
from pathlib import Path

from focal_mmseg.apis.embeddings import embedded_images, write_embeddings
from focal_mmseg.apis.run_config import Overrides, use_data
from focal_mmseg.utils import override, positive_int, read_config


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file of a FOCAL network and its test set')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument('--data', metavar='FILE', help='take the test set of another config; the pipeline stays')
    parser.add_argument('--most', type=positive_int, help='so many images, spread over the set; default all')
    parser.add_argument('--jpeg', action='store_true', help='keep what the JPEG stream alone makes of each block too')
    parser.add_argument('--out', type=Path, required=True, help='file to write, as casia1.zip')
    parser.add_argument('--cfg-options', nargs='+', action=Overrides, default={}, help='override the config')
    return parser.parse_args()


def main() -> None:
    """Embed and write."""
    args = parse_args()
    cfg = read_config(args.config)
    if args.data:
        use_data(cfg, args.data, ['test'])
    override(cfg, args.cfg_options)
    number = write_embeddings(args.out, embedded_images(cfg, args.checkpoint, args.most, with_jpeg=args.jpeg))
    print(f'\n{number} images; written to {args.out}')


if __name__ == '__main__':
    main()
