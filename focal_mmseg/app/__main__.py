"""Serve a page to drop images on: image, score map, mask and clusters, with an operating point that you move.

The page is on this machine alone unless --host says otherwise. It asks nothing of any other machine, and what is
dropped on it is in memory only, until its tab is closed.

Example:
  python -m focal_mmseg.app
  python -m focal_mmseg.app --port 8000 --config configs/focal_hrnet.py --checkpoint hrnet.pth
"""

import argparse
import sys

from focal_mmseg.app.server import HOST, PORT, serve
from focal_mmseg.utils import command_parser, device_name
from focal_mmseg.utils.arguments import CALLED_AS


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = command_parser(__doc__)
    parser.add_argument('--host', default=HOST, help=f'address to listen at; default {HOST}, this machine alone')
    parser.add_argument('--port', type=int, default=PORT, help=f'default {PORT}; 0 takes one that is free')
    parser.add_argument('--config', help='one more model to choose: its config file')
    parser.add_argument('--checkpoint', help='its weights; default those that the config names')
    parser.add_argument('--device', type=device_name, help='cpu, cuda, cuda:1, ...; default cuda where there is one')
    return parser.parse_args()


def main() -> None:
    """Serve until interrupted."""
    args = parse_args()
    try:
        serve(args.host, args.port, args.config, args.checkpoint, args.device)
    except (ImportError, OSError, ValueError) as error:
        sys.exit(f'{CALLED_AS.get() or "focal_mmseg.app"}: {error}')


if __name__ == '__main__':
    main()
