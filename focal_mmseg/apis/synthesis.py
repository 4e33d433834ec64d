"""A folder of forgeries out of a folder of photographs, as tools/synthesize.py makes it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from focal_mmseg.datasets.synthesis import (
    PACKAGED,
    ObjectMasks,
    Photographs,
    Sources,
    allocate_kinds,
    load_packaged,
    read_recipe,
)
from focal_mmseg.datasets.synthesis import synthesize as write_forgeries
from focal_mmseg.utils import IMAGE_SUFFIXES, search_images


def synthesize(
    images: str | Path,
    out: str | Path,
    counts: int | Mapping[str, int],
    *,
    recipe: str = 'demo',
    objects: str | Path | None = None,
    size: int | None = None,
    most: int | None = None,
    seed: int = 0,
    workers: int = 1,
) -> list[str]:
    """Forge images out of a folder of photographs; started again, it goes on where it was interrupted.

    Args:
        images (str | Path): Folder of pristine photographs; ``'packaged'``, where there is no such folder, means those
            inside scikit-image and scikit-learn.
        out (str | Path): Folder for ``images/``, ``masks/`` and ``manifest.csv``.
        counts (int | Mapping[str, int]): How many, of the kinds that the recipe has or of each kind.
        recipe (str): A name, or a YAML file. Defaults to ``'demo'``.
        objects (str | Path, optional): Folder of COCO instances or of PNG masks of labels.
        size (int, optional): Side of the images. Defaults to the recipe's.
        most (int, optional): Use so many photographs, spread over the folder. Defaults to all.
        seed (int): Defaults to 0.
        workers (int): Processes. Defaults to 1.

    Returns:
        list[str]: Photographs that were left out, and why, a line each.

    Raises:
        FileNotFoundError: If there is no photograph, or a file is missing.
    """
    rules = read_recipe(recipe)
    if size:
        rules = replace(rules, size=size)
    photographs = _photographs(Path(images), most)
    masks: Mapping = {}
    if objects:
        masks = found_masks = ObjectMasks(Path(objects), photographs)
        print(f'{len(masks)} of {len(photographs)} photographs have masks of objects')
        for reason, number in sorted(found_masks.skipped.items()):
            print(f'objects left out: {number} {reason}')
    if isinstance(counts, int):
        counts = allocate_kinds(counts, rules.kinds)
    written = write_forgeries(Sources(photographs, masks), rules, counts, Path(out), seed, workers)
    before = sum(counts.values()) - written.made
    print(
        f'\n{written.made} images out of {len(photographs)} photographs written to {out}'
        f'{f", beside {before} that were there" if before else ""}'
    )
    return [written.left_out[name] for name in sorted(written.left_out)]


def _photographs(images: Path, most: int | None) -> Mapping:
    """Photographs by name; see :func:`synthesize`."""
    if images == Path('packaged') and not images.exists():
        chosen = _spread(PACKAGED, most)
        return {name: load_packaged(name) for name in chosen}
    found = search_images(images)
    if found.left_out:
        print(found.describe_left_out())
    if not found.paths:
        raise FileNotFoundError(f'{images} holds no photograph ({", ".join(IMAGE_SUFFIXES)})')
    return Photographs(images, _spread(found.paths, most))


def _spread(items: Sequence, most: int | None) -> list:
    """So many of them, evenly from the first to the last."""
    places = np.linspace(0, len(items) - 1, min(len(items), most or len(items))).round().astype(int)
    return [items[place] for place in places]
