"""The natural photographs that ship inside scikit-image and scikit-learn."""

import numpy as np

PACKAGED = ('astronaut', 'chelsea', 'china', 'coffee', 'flower', 'motorcycle', 'rocket')


def load_packaged(name: str) -> np.ndarray:
    """Read one of the packaged photographs; their licences are in the README.

    Args:
        name (str): One of ``PACKAGED``.

    Returns:
        np.ndarray: uint8 RGB of shape (H, W, 3).

    Raises:
        ValueError: If there is no such photograph.
        ImportError: If scikit-image is not installed.
    """
    if name not in PACKAGED:
        raise ValueError(f'no packaged photograph {name!r}, there are {", ".join(PACKAGED)}')
    if name in ('china', 'flower'):
        from sklearn.datasets import load_sample_image

        return np.ascontiguousarray(load_sample_image(f'{name}.jpg'))
    try:
        from skimage import data
    except ImportError as error:
        raise ImportError(
            f'the photograph {name!r} ships with scikit-image: pip install "focal_mmseg[demo]"'
        ) from error
    image = data.stereo_motorcycle()[0] if name == 'motorcycle' else getattr(data, name)()
    return np.ascontiguousarray(image)
