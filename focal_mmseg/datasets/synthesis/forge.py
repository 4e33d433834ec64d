"""One forgery at a time by the ranges of a recipe: splicing, copy-move, removal, local processing."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import cv2
import numpy as np

from .history import compress, named_tables, process, recolour
from .parts import BLOCK, Part, choose_corner, extract_part, inpaint, is_on_grid, paste_part, rotate_part
from .recipe import Draw, Recipe, choose
from .regions import Region, contour_mask, followed_mask, object_region
from .scenes import Scene, cut, cut_square

# A donor is cut to a square of so many sides of the image: room for parts that are turned.
LARGER = 1.25


@dataclass(frozen=True)
class Forgery:
    """An image with its truth.

    Attributes:
        image (np.ndarray): uint8 RGB of shape (H, W, 3), before the last compression.
        mask (np.ndarray): uint8 of shape (H, W): 255 forged, 0 pristine.
        parameters (dict): What was drawn and is worth a column of the manifest.
    """

    image: np.ndarray
    mask: np.ndarray
    parameters: dict[str, Any] = field(default_factory=dict)


def forge_scene(recipe: Recipe, kind: str, host: Scene, donor: Scene | None, rng: np.random.Generator) -> Forgery:
    """Make an image of a kind out of a photograph.

    Args:
        recipe (Recipe): For its ranges.
        kind (str): One of ``KINDS``.
        host (Scene): The photograph that is forged.
        donor (Scene, optional): Where a splice takes its part from.
        rng (np.random.Generator): Source of chance.

    Returns:
        Forgery: Before the last compression, which is in its parameters as ``quality`` and ``subsampling``.
    """
    target = cut(host, recipe, rng)
    drawn: dict[str, object] = dict(cut_x=target.left, cut_y=target.top, target_scale=round(target.scale[0], 4))
    target, lived = _age(recipe, target, rng)
    drawn |= lived
    if kind == 'pristine':
        image, mask, more = target.image, np.zeros(target.image.shape[:2], np.uint8), {}
    else:
        makers: dict[str, Callable] = dict(removal=_remove, local=_process_locally)
        image, mask, more = makers.get(kind, _paste)(recipe, target, donor, rng)
    final = _quality(recipe, recipe.final_quality, rng)
    more['quality'] = '' if final is None else final
    more['subsampling'] = '' if final is None else choose(recipe.subsampling, rng)
    return Forgery(image, mask, drawn | more)


def _age(recipe: Recipe, target: Scene, rng: np.random.Generator) -> tuple[Scene, dict[str, object]]:
    """The image after what happened to it before it was forged: processing, then compression on a grid of its own."""
    image = target.image
    drawn: dict[str, object] = {}
    if recipe.target_processing and rng.random() < recipe.target_processing:
        image, step = process(image, recipe, rng)
        drawn |= {f'target_{key}': value for key, value in step.items()}
    quality = _quality(recipe, recipe.target_quality, rng)
    if quality is not None:
        off = (0, 0)
        if recipe.target_aligned < 1 and rng.random() >= recipe.target_aligned:
            down, right = rng.integers(BLOCK, size=2)
            off = int(down), int(right)
        # The grid begins above and left of the image by what it is off.
        framed = cv2.copyMakeBorder(image, off[0], 0, off[1], 0, cv2.BORDER_REFLECT)
        image = np.ascontiguousarray(compress(framed, quality)[off[0] :, off[1] :])
        drawn['target_quality'] = quality
    return replace(target, image=image), drawn


def _rescale(recipe: Recipe, donor: Scene, rng: np.random.Generator) -> Scene:
    """The photograph that a part is taken from, at a scale of its own if the recipe has one."""
    if not recipe.source_scale.probability or recipe.size is None:
        return donor
    return cut_square(donor, round(recipe.size * LARGER), recipe.source_scale, recipe.interpolation, rng)


def _quality(recipe: Recipe, quality: Draw, rng: np.random.Generator) -> int | str | None:
    """The quality of a compression, or the name of its tables; None where nothing is compressed."""
    drawn = quality.sample_int(rng)
    if drawn is None or not recipe.named_tables or rng.random() >= recipe.named_tables:
        return drawn
    names = named_tables()
    return names[rng.integers(len(names))]


def _paste(recipe: Recipe, target: Scene, donor: Scene | None, rng: np.random.Generator) -> tuple:
    """A splice, or a copy-move where there is no donor."""
    shape = target.image.shape[:2]
    source = target if donor is None else _rescale(recipe, donor, rng)
    wanted = recipe.scale.sample(rng)
    region = _region(recipe, source, shape, wanted or 1.0, rng)
    part = extract_part(source.image, region)
    drawn: dict[str, object] = dict(region=region.origin)
    quality = None if donor is None else _quality(recipe, recipe.source_quality, rng)
    if quality is not None:
        part = replace(part, image=compress(part.image, quality))
        drawn['source_quality'] = quality
    rotation = recipe.rotation.sample(rng)
    too_large = region.mask.shape[0] > shape[0] or region.mask.shape[1] > shape[1]
    if wanted is not None or rotation is not None or too_large:
        part, scale = rotate_part(part, rotation or 0.0, wanted or 1.0, shape)
        drawn |= dict(scale=round(scale, 3), rotation=round(rotation or 0.0, 1))
    image, colours = recolour(part.image, recipe, rng)
    drawn |= colours
    if rng.random() < recipe.processing:
        image, step = process(image, recipe, rng)
        drawn |= step
    part = replace(part, image=image)
    aligned = None if part.resampled else bool(rng.random() < recipe.aligned)
    # A recipe whose parts stay inside keeps the draws that it had before they could reach over.
    beyond = bool(recipe.over_border and rng.random() < recipe.over_border)
    at = choose_corner(part, shape, aligned, donor is None, beyond, rng)
    drawn |= dict(from_x=part.left, from_y=part.top, to_x=at[0], to_y=at[1], grid='resampled')
    if not part.resampled:
        drawn |= dict(grid='aligned' if is_on_grid(*at) else 'unaligned', grid_x=at[0] % BLOCK, grid_y=at[1] % BLOCK)
    poisson = bool(rng.random() < recipe.poisson)
    return _laid(recipe, target, part, at, poisson, drawn, rng)


def _process_locally(recipe: Recipe, target: Scene, _: Scene | None, rng: np.random.Generator) -> tuple:
    """A region of the image, recoloured or processed where it is."""
    region = _region(recipe, target, target.image.shape[:2], 1.0, rng)
    part = extract_part(target.image, region)
    image, drawn = recolour(part.image, recipe, rng)
    image, step = process(image, recipe, rng)
    part = replace(part, image=image)
    return _laid(recipe, target, part, (part.left, part.top), False, dict(region=region.origin) | drawn | step, rng)


def _laid(
    recipe: Recipe,
    target: Scene,
    part: Part,
    at: tuple[int, int],
    poisson: bool,
    drawn: dict[str, object],
    rng: np.random.Generator,
) -> tuple:
    """Lay a part over the target, with what that draws."""
    softness = recipe.softness.sample(rng) or 0.0
    image, mask = paste_part(target.image, part, at, softness, poisson)
    share = cv2.countNonZero(mask) / mask.size
    blending = 'poisson' if poisson else 'none'
    return image, mask, drawn | dict(softness=round(softness, 2), share=round(share, 4), blending=blending)


def _remove(recipe: Recipe, target: Scene, _: Scene | None, rng: np.random.Generator) -> tuple:
    """A region filled in from its surroundings."""
    height, width = target.image.shape[:2]
    region = _region(recipe, target, (height, width), 1.0, rng)
    dilation = recipe.dilation.sample_int(rng)
    # A recipe always draws a radius.
    radius = cast(int, recipe.inpaint_radius.sample_int(rng))
    method = choose(recipe.inpainting, rng)
    mask: np.ndarray = np.zeros((height, width), np.uint8)
    mask[region.top :, region.left :][: region.mask.shape[0], : region.mask.shape[1]] = region.mask
    if dilation:
        mask = cv2.dilate(mask, np.ones((2 * dilation + 1,) * 2, np.uint8))
    image = inpaint(target.image, mask, method, radius, recipe.filled_pixels)
    drawn = dict(region=region.origin, inpainting=method, radius=radius, dilation=dilation)
    return image, mask * np.uint8(255), drawn | dict(share=round(cv2.countNonZero(mask) / mask.size, 4))


def _region(recipe: Recipe, scene: Scene, shape: tuple[int, int], scale: float, rng: np.random.Generator) -> Region:
    """An object of the scene, or else an irregular contour, of a share of the image after scaling."""
    pixels = shape[0] * shape[1] / scale**2
    region = object_region(scene, (recipe.share.low * pixels, recipe.share.high * pixels), rng)
    if region is not None:
        return region
    if recipe.followed and rng.random() < recipe.followed:
        found = followed_mask(scene.image, (recipe.share.low * pixels, recipe.share.high * pixels), rng)
        if found is not None:
            return Region(*found, 'followed')
    height, width = scene.image.shape[:2]
    most = min(height, round(0.98 * shape[0] / scale)), min(width, round(0.98 * shape[1] / scale))
    mask = contour_mask(recipe.contour, recipe.draw_share(rng) * pixels, (max(most[0], 4), max(most[1], 4)), rng)
    left, top = (int(rng.integers(side - own + 1)) for side, own in zip((width, height), mask.shape[::-1], strict=True))
    return Region(mask, left, top, 'contour')
