"""Sets of embedded images, as commands name them: NAME=FILE[,FILE...]."""

import numpy as np

from focal_mmseg.apis.embeddings import EmbeddedImage, read_embeddings


def read_set(text: str, most: int | None = None) -> tuple[str, list[EmbeddedImage]]:
    """The name and the images of a set, of which both kinds are there.

    Args:
        text (str): As ``'casia1=casia1.zip'``; several files with a comma between them are one set.
        most (int, optional): Take so many images, spread over the set. Defaults to all.

    Raises:
        FileNotFoundError: See :func:`read_embeddings`.
        ValueError: See there, and if the set has no name, no forged or no pristine image.
    """
    name, _, files = text.partition('=')
    if not files:
        raise ValueError(f'expected NAME=FILE, as casia1=casia1.zip, got {text!r}')
    images = [image for file in files.split(',') for image in read_embeddings(file)]
    places = np.linspace(0, len(images) - 1, min(most or len(images), len(images))).round().astype(int)
    images = [images[place] for place in places]
    forged = sum(image.is_forged for image in images)
    if forged in (0, len(images)):
        raise ValueError(f'{text}: a set needs forged and pristine images, got {forged} forged of {len(images)}')
    return name, images


def describe_counts(images: list[EmbeddedImage]) -> str:
    """How many of each kind there are, for a message."""
    forged = sum(image.is_forged for image in images)
    return f'{forged} forged and {len(images) - forged} pristine images'
