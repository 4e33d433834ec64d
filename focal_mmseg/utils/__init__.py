"""Helpers that belong to no one part."""

from .arguments import command_parser, count, device_name, positive_int, run_command, share
from .configs import ConfigError, override, read_config
from .devices import require_device
from .files import atomic_write, write_json
from .image_files import AnyImageBackend, decodable, image_bytes, load_image, read_image, write_image
from .image_kinds import IMAGE_SUFFIXES, image_ending
from .image_size import check_image_size, image_header
from .images import FoundImages, find_images, search_images
from .random_state import temporary_seed
from .score_maps import MAPS, read_image_score, read_score_map, to_16_bits
from .tool_files import find_tool
from .workers import worker_pool

__all__ = [
    'IMAGE_SUFFIXES',
    'MAPS',
    'AnyImageBackend',
    'ConfigError',
    'FoundImages',
    'atomic_write',
    'check_image_size',
    'command_parser',
    'count',
    'decodable',
    'device_name',
    'find_images',
    'find_tool',
    'image_bytes',
    'image_ending',
    'image_header',
    'load_image',
    'override',
    'positive_int',
    'read_config',
    'read_image',
    'read_image_score',
    'read_score_map',
    'require_device',
    'run_command',
    'search_images',
    'share',
    'temporary_seed',
    'to_16_bits',
    'worker_pool',
    'write_image',
    'write_json',
]
