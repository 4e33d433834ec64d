"""Write the embedding network of a FOCAL model as an ONNX file, for programs without MMSegmentation.

The file has the normalisation, the backbone, the neck and the head's projection, up to unit-length embeddings; its
metadata say which clusterer and gate go with it. It is checked with onnxruntime against the network, to 1e-4 at several
sizes, before it gets its name. focal_mmseg.deploy.ONNXLocaliser runs and clusters it, and says what its input is: the
test pipeline, with the loader of JPEG coefficients, stays outside. A fusion and the peers cannot be exported.

Example:
  python tools/model_converters/export.py focal_lite.onnx
  python tools/model_converters/export.py hrnet.onnx --config configs/focal_hrnet.py --checkpoint hrnet.pth \
      --size 1024 1024
"""

import argparse
from pathlib import Path

from focal_mmseg.apis import FOCALInferencer
from focal_mmseg.apis.export import export_onnx
from focal_mmseg.apis.run_config import Overrides
from focal_mmseg.utils import positive_int, run_command


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', type=Path, help='file to write, *.onnx')
    parser.add_argument('--config', help='config file of the model; default the network that ships, focal_lite')
    parser.add_argument('--checkpoint', help='its weights; default those that the config names')
    parser.add_argument(
        '--size',
        nargs=2,
        type=positive_int,
        metavar=('HEIGHT', 'WIDTH'),
        help='of the one input that the file takes; default every size, which not every network can have',
    )
    parser.add_argument('--cfg-options', nargs='+', action=Overrides, metavar='KEY=VALUE', help='override the config')
    return parser.parse_args()


def main() -> None:
    """Export."""
    args = parse_args()
    focal = FOCALInferencer(args.config, args.checkpoint, 'cpu', args.cfg_options)
    done = export_onnx(focal, args.out, args.size)
    checked = ', '.join(f'{height}x{width} {most:.1e}' for (height, width), most in done.differences.items())
    print(f'{done.path}: ONNX opset {done.opset}, {done.path.stat().st_size / 2**20:.1f} MiB; differences: {checked}')


if __name__ == '__main__':
    run_command(main)
