"""Forgeries out of clean images, made anew at every step of a training."""

import warnings
from pathlib import Path

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from focal_mmseg.utils import IMAGE_SUFFIXES, search_images

from ..synthesis.forge import Forgery, forge_scene
from ..synthesis.history import decode, encode
from ..synthesis.named_recipes import read_recipe
from ..synthesis.objects import ObjectMasks
from ..synthesis.recipe import KINDS, choose
from ..synthesis.scenes import Photographs, Scene, UnusableError, require_side
from ..validators import require_choice, require_pair, require_shares

METHODS = ('copy', 'inpaint')
IGNORED = 255
RADIUS = 3


@TRANSFORMS.register_module()
class SynthesizeForgery(BaseTransform):
    """Forge a pristine image by a recipe, and give its mask.

    Chance comes from numpy's global generator, as in mmcv's transforms, so that mmengine's seed holds for it. The last
    compression is done too, in memory.

    Required and modified keys: ``img`` (uint8 BGR (H, W, 3), of the recipe's size afterwards), ``img_shape``,
    ``ori_shape``. Added keys: ``gt_seg_map`` (np.uint8, (H, W): 0 pristine, 1 forged), ``seg_fields``, ``kind``,
    ``jpeg`` (bytes | None): the last JPEG file, for :class:`LoadJPEGArtifacts`.

    Args:
        recipe (str): Name of a recipe, or a path of a YAML file. Defaults to ``tampcoco``.
        donors (str, optional): Folder of photographs that splices take their parts from; needed where the recipe
            splices.
        objects (str, optional): Folder of masks of objects in the donors (docs/guide/synthesis.md). In the image itself
            regions have irregular contours.
        kinds (dict, optional): Shares of the kinds in place of the recipe's.

    Raises:
        FileNotFoundError: If the folder of donors has no photograph.
        ValueError: If an option does not fit.
    """

    def __init__(
        self,
        recipe: str = 'tampcoco',
        donors: str | None = None,
        objects: str | None = None,
        kinds: dict[str, float] | None = None,
    ) -> None:
        self.recipe = read_recipe(recipe)
        self.kinds = dict(kinds or self.recipe.kinds)
        require_shares('kinds', self.kinds, KINDS)
        self.donors = Photographs(Path(), [])
        if donors is not None:
            found = search_images(Path(donors))
            if found.left_out:
                warnings.warn(found.describe_left_out(), stacklevel=2)
            if not found.paths:
                raise FileNotFoundError(f'{donors} holds no photograph ({", ".join(IMAGE_SUFFIXES)})')
            self.donors = Photographs(Path(donors), found.paths)
        elif self.kinds.get('splice'):
            raise ValueError('splices need a folder of donors; kinds without splice need none')
        self.objects = {} if objects is None else ObjectMasks(Path(objects), self.donors)
        self._options = dict(recipe=str(recipe), donors=donors, objects=objects, kinds=kinds)
        self._names = list(self.donors)
        self._with_objects = [name for name in self._names if name in self.objects]

    def transform(self, results: dict) -> dict:
        """Forge ``img``.

        Raises:
            ValueError: If a side of it is below 32 pixels, or no donor can be used.
        """
        require_side(results.get('img_path', 'that was given'), results['img'])
        rng = np.random.default_rng(np.random.randint(0, 2**32, 4, dtype=np.uint32))
        kind = choose(self.kinds, rng)
        host = Scene(cv2.cvtColor(results['img'], cv2.COLOR_BGR2RGB))
        donor = self._donor(rng) if kind == 'splice' else None
        forgery = forge_scene(self.recipe, kind, host, donor, rng)
        results['jpeg'] = _last_file(forgery)
        image = forgery.image if results['jpeg'] is None else decode(results['jpeg'])
        results['img'] = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        results['img_shape'] = results['ori_shape'] = results['img'].shape[:2]
        results['gt_seg_map'] = forgery.mask // 255
        results['kind'] = kind
        fields = results.setdefault('seg_fields', [])
        if 'gt_seg_map' not in fields:
            fields.append('gt_seg_map')
        return results

    def _donor(self, rng: np.random.Generator) -> Scene:
        """A photograph of the folder; those that cannot be used are left out with a warning.

        Raises:
            ValueError: If there is none that can be used.
        """
        while self._names:
            names_with_objects = bool(self._with_objects) and rng.random() >= self.recipe.contours
            names = self._with_objects if names_with_objects else self._names
            name = names[rng.integers(len(names))]
            try:
                image = self.donors[name]
                require_side(name, image)
            except UnusableError as error:
                warnings.warn(f'left out as a donor: {error}', stacklevel=2)
                for each in (self._names, self._with_objects):
                    if name in each:
                        each.remove(name)
                continue
            objects = self.objects[name] if names_with_objects else ()
            return Scene(image, [each for each in objects if each.shape == image.shape[:2]])
        raise ValueError('no photograph of the donors can be used')

    def __repr__(self) -> str:
        options = ', '.join(f'{key}={value!r}' for key, value in self._options.items())
        return f'{type(self).__name__}({options})'


def _last_file(forgery: Forgery) -> bytes | None:
    """The JPEG file that the forgery is saved as; None for one that is not compressed."""
    quality = forgery.parameters['quality']
    if quality == '':
        return None
    return encode(forgery.image, quality, forgery.parameters['subsampling'])


@TRANSFORMS.register_module()
class SquareForgery(BaseTransform):
    """Forge a rectangle of an image, and mark it in the mask.

    Chance comes from numpy's global generator, as in mmcv's transforms.

    Required and modified keys: ``img``, uint8 of shape (H, W, 3), and ``gt_seg_map`` (H, W). Pixels that the mask
    ignores are left as they are and ignored.

    Args:
        method (str): ``'copy'`` takes another place of the image, ``'inpaint'`` fills in from the surroundings, by
            Telea's or the Navier-Stokes method.
        share (tuple[float, float]): Least and greatest side of the rectangle over the image's. Defaults to (0.05, 0.3).

    Raises:
        ValueError: If an option is out of its range.

    Source:
        Chen, Dong, Ji, Cao, Li, ICCV 2021 (MVSS-Net), which gives neither sizes nor shares.
    """

    def __init__(self, method: str, share: tuple[float, float] = (0.05, 0.3)) -> None:
        self.method = require_choice('method', method, METHODS)
        self.share = require_pair('share', share, 0, 0.9, above=True)

    def transform(self, results: dict) -> dict:
        """Replace ``img`` and ``gt_seg_map``.

        Raises:
            ValueError: If the image has other values than 8 bits, or there is no mask of its size.
        """
        image, mask = results['img'], results.get('gt_seg_map')
        if image.dtype != np.uint8 or mask is None or mask.shape != image.shape[:2]:
            raise ValueError('SquareForgery takes an image of 8 bits and a mask of its size: put it behind both')
        height, width = (max(1, round(side * np.random.uniform(*self.share))) for side in mask.shape)
        # An image of one pixel has no other place.
        top, left, other_top, other_left = (
            np.random.randint(side - part + 1)
            for _ in range(2)
            for side, part in zip(mask.shape, (height, width), strict=True)
        )
        here = np.s_[top : top + height, left : left + width]
        source = image[other_top : other_top + height, other_left : other_left + width]
        changed = image.copy()
        changed[here] = source if self.method == 'copy' else _filled(image, here)
        kept = mask == IGNORED
        changed[kept] = image[kept]
        marked = mask.copy()
        marked[here] = 1
        marked[kept] = IGNORED
        results['img'], results['gt_seg_map'] = changed, marked
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(method={self.method!r}, share={self.share})'


def _filled(image: np.ndarray, here: tuple[slice, slice]) -> np.ndarray:
    """A rectangle, filled in from around it."""
    region = np.zeros(image.shape[:2], np.uint8)
    region[here] = 1
    return cv2.inpaint(image, region, RADIUS, (cv2.INPAINT_TELEA, cv2.INPAINT_NS)[np.random.randint(2)])[here]
