"""Helpers that belong to no one part."""

from .arguments import command_parser, count, device_name, positive_int, run_command, share
from .configs import ConfigError, override, read_config
from .devices import require_device
from .files import write_json, written_whole
from .image_files import AnyImageBackend, decodable, image_bytes, load_image, read_image, write_image
from .image_kinds import IMAGE_SUFFIXES, ending_of
from .images import FoundImages, find_images, search_images
from .picture_size import header_of, require_bearable_size
from .random_state import drawn_from
from .score_maps import MAPS, in_16_bits, read_image_score, read_score_map
from .tool_files import find_tool
from .workers import worker_pool

__all__ = [
    'IMAGE_SUFFIXES',
    'MAPS',
    'AnyImageBackend',
    'ConfigError',
    'FoundImages',
    'command_parser',
    'count',
    'decodable',
    'device_name',
    'drawn_from',
    'ending_of',
    'find_images',
    'find_tool',
    'header_of',
    'image_bytes',
    'in_16_bits',
    'load_image',
    'override',
    'positive_int',
    'read_config',
    'read_image',
    'read_image_score',
    'read_score_map',
    'require_bearable_size',
    'require_device',
    'run_command',
    'search_images',
    'share',
    'worker_pool',
    'write_image',
    'write_json',
    'written_whole',
]
