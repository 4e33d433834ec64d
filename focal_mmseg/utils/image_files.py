"""Pictures in files of any name.

OpenCV opens no file here: at a name that is not UTF-8 its own reader and writer end the process.
"""

from pathlib import Path

import cv2
import numpy as np

from .files import written_whole


def read_image(path: str | Path, flags: int = cv2.IMREAD_COLOR) -> np.ndarray | None:
    """Read a picture as ``cv2.imread`` does.

    Args:
        path (str | Path): The file.
        flags (int): OpenCV's ``IMREAD_*``.

    Returns:
        np.ndarray | None: As OpenCV has it, BGR; None where there is no such file, or no picture in it.
    """
    if not Path(path).is_file():
        return None
    try:
        return cv2.imdecode(np.frombuffer(Path(path).read_bytes(), np.uint8), flags)
    except cv2.error:
        return None


def write_image(path: str | Path, image: np.ndarray) -> None:
    """Write a picture, whole or not at all.

    Args:
        path (str | Path): The file; its ending says which kind, its folder is made.
        image (np.ndarray): Grey or BGR, as OpenCV has it.

    Raises:
        OSError: If it cannot be written.
    """
    path = Path(path)
    done, content = cv2.imencode(path.suffix, image)
    if not done:
        raise OSError(f'cannot write {path}')
    with written_whole(path) as part:
        part.write_bytes(content)
