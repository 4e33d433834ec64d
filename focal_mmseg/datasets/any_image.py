"""Pipelines that read images of every kind."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from focal_mmseg.utils.image_kinds import kind_of_file
from focal_mmseg.utils.image_size import BY_PILLOW

BACKEND = dict(backend='any_image')


def enable_any_image(pipeline: Sequence[Any]) -> list[Any]:
    """A pipeline whose ``LoadImageFromFile`` reads GIF, JPEG 2000, AVIF and HEIC too, through Pillow.

    It gets the file backend ``any_image`` (:class:`~focal_mmseg.utils.AnyImageBackend`), unless its config names
    where files come from, or another decoder than OpenCV.

    Args:
        pipeline (Sequence): Configs of transforms, or transforms; are left as they are.
    """
    return [
        {**each, 'backend_args': BACKEND} if _decodes_by_opencv(each) and not _has_source(each) else each
        for each in pipeline
    ]


def reads_any_image(pipeline: Sequence[Any]) -> bool:
    """Whether no transform of a pipeline would hand OpenCV an image that Pillow has to read."""
    return not any(
        _decodes_by_opencv(each) and (each.get('backend_args') or {}).get('backend') != BACKEND['backend']
        for each in pipeline
    )


def require_read_by_opencv(path: str | Path) -> None:
    """Refuse an image of a kind that Pillow has to read.

    Raises:
        ValueError: Names the file and the remedy.
    """
    kind = kind_of_file(Path(path))
    if kind in BY_PILLOW:
        raise ValueError(
            f'{path} is {kind}, which the LoadImageFromFile of this pipeline does not read: give it '
            "backend_args=dict(backend='any_image')"
        )


def _decodes_by_opencv(transform: Any) -> bool:
    if not isinstance(transform, dict):
        return False
    kind = transform.get('type')
    name = getattr(kind, '__name__', str(kind)).rpartition('.')[2]
    return name == 'LoadImageFromFile' and transform.get('imdecode_backend', 'cv2') == 'cv2'


def _has_source(transform: dict) -> bool:
    return bool(transform.get('backend_args') or transform.get('file_client_args'))
