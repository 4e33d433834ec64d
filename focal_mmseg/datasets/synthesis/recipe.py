"""What may become of a photograph: ranges and probabilities that forgeries are drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import cast

import numpy as np

from ..validators import require_choice, require_number, require_pair, require_shares, require_whole

KINDS = ('splice', 'copy-move', 'removal', 'local', 'pristine')
CONTOURS = ('star', 'bezier')
SMALLEST_SIDE = 32
SUBSAMPLINGS = ('4:2:0', '4:2:2', '4:4:4')
INPAINTINGS = ('ns', 'telea')
INTERPOLATIONS = ('area', 'linear', 'cubic', 'lanczos')
# What the strength of each step of processing means, and the lowest and highest it may be: standard deviation of the
# blur in pixels, JPEG quality, side of the median's square in pixels, standard deviation of the noise in grey levels of
# 0..255, the unsharp mask's share.
STEPS = MappingProxyType(dict(blur=(0.3, 10.0), jpeg=(1, 100), median=(3, 9), noise=(0.5, 50.0), sharpen=(0.1, 5.0)))


@dataclass(frozen=True)
class Draw:
    """A number that is drawn uniformly from a range, or, with the rest of the probability, not at all.

    Args:
        probability (float): In [0, 1].
        low (float): Lower end of the range.
        high (float): Upper end, not below ``low``.
    """

    probability: float
    low: float
    high: float

    def sample(self, rng: np.random.Generator) -> float | None:
        """The number, or None."""
        return float(rng.uniform(self.low, self.high)) if rng.random() < self.probability else None

    def sample_int(self, rng: np.random.Generator) -> int | None:
        """A whole number, both ends included, or None."""
        return int(rng.integers(round(self.low), round(self.high) + 1)) if rng.random() < self.probability else None


NEVER = Draw(0.0, 0.0, 0.0)
# The lowest and highest number of each range, and whether it has to be drawn always.
LIMITS = MappingProxyType(
    dict(
        target_scale=(0.1, 1.0),
        source_scale=(0.1, 1.0),
        share=(0.001, 0.6),
        softness=(0.0, 20.0),
        rotation=(-180.0, 180.0),
        scale=(0.1, 4.0),
        luminance=(-128.0, 128.0),
        contrast=(0.2, 3.0),
        colour=(0.5, 2.0),
        inpaint_radius=(1, 20),
        dilation=(0, 50),
        source_quality=(1, 100),
        target_quality=(1, 100),
        final_quality=(1, 100),
    )
)
ALWAYS = ('share', 'inpaint_radius', 'dilation')
PROBABILITIES = (
    'contours', 'followed', 'processing', 'target_processing', 'poisson', 'aligned', 'target_aligned', 'named_tables',
    'over_border',
)  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """Ranges and probabilities of forgeries; docs/guide/synthesis.md has a table of them.

    Args:
        name (str): Name in messages.
        size (int, optional): Side of the square images, at least 32; None leaves photographs as large as they are.
        kinds (Mapping[str, float]): Shares of ``splice``, ``copy-move``, ``removal``, ``local`` and ``pristine``.
        target_scale (Draw): Factor on the photograph before it is cut, in [0.1, 1].
        source_scale (Draw): The same of the photograph that a splice takes its part from, which is then cut to a square
            a quarter larger than the image; where it is not drawn the part comes from the photograph as it is.
        interpolation (Mapping[str, float]): Shares of ``area``, ``linear``, ``cubic`` and ``lanczos``, by which a
            photograph is made smaller.
        target_processing (float): Probability that the image is processed by one of ``steps`` before it is forged.
        contours (float): Probability of an irregular contour where there are masks of objects.
        followed (float): Probability that a region without an object follows edges in the photograph instead of a
            contour that knows nothing of it.
        contour (str): ``star`` or ``bezier``.
        share (Draw): Area of the forged region over the image's, in [0.001, 0.6].
        log_share (bool): Whether the logarithm of the area is drawn uniformly, so that small regions come more often.
        softness (Draw): Standard deviation of the edge's blur, in pixels.
        rotation (Draw): Of the pasted part, in degrees.
        scale (Draw): Of the pasted part.
        luminance (Draw): Added to the pasted part, in grey levels of 0..255.
        contrast (Draw): Factor on the pasted part's distance from its mean.
        colour (Draw): Factor on each of the pasted part's three colours.
        processing (float): Probability that the pasted part is processed by one of ``steps``.
        over_border (float): Probability that the pasted part may reach over the image's border, which cuts off up to
            half of its width and height, and three quarters of its area.
        steps (Mapping[str, tuple[float, float]]): Ranges of ``blur``, ``jpeg``, ``median``, ``noise``, ``sharpen``.
        poisson (float): Probability of Poisson blending.
        inpainting (Mapping[str, float]): Shares of ``telea`` and ``ns``.
        inpaint_radius (Draw): In whole pixels.
        filled_pixels (int, optional): The inner part of a larger region is filled in at a lower resolution, at about
            so many pixels; None fills in every region at full resolution.
        dilation (Draw): By how many pixels a region that is removed is widened.
        source_quality (Draw): JPEG quality that the pasted part had before.
        target_quality (Draw): JPEG quality that the image had before.
        target_aligned (float): Probability that the 8x8 grid of that compression is the file's.
        final_quality (Draw): JPEG quality of the file; PNG where it is not drawn.
        named_tables (float): Probability that a compression takes the tables of a camera or of an image editor in place
            of libjpeg's at the quality that was drawn.
        subsampling (Mapping[str, float]): Shares of ``4:2:0``, ``4:2:2`` and ``4:4:4`` in the file.
        aligned (float): Probability that the 8x8 grid of the pasted part falls on the image's.

    Raises:
        ValueError: If a value is out of its range; begins with the key.
    """

    name: str = 'custom'
    size: int | None = 512
    kinds: Mapping[str, float] = field(default_factory=lambda: {'splice': 0.5, 'copy-move': 0.5})
    target_scale: Draw = NEVER
    source_scale: Draw = NEVER
    interpolation: Mapping[str, float] = field(default_factory=lambda: {'area': 1.0})
    target_processing: float = 0.0
    contours: float = 0.0
    followed: float = 0.0
    contour: str = 'star'
    share: Draw = Draw(1.0, 0.01, 0.3)
    log_share: bool = False
    softness: Draw = NEVER
    rotation: Draw = NEVER
    scale: Draw = NEVER
    luminance: Draw = NEVER
    contrast: Draw = NEVER
    colour: Draw = NEVER
    over_border: float = 0.0
    processing: float = 0.0
    steps: Mapping[str, tuple[float, float]] = field(
        default_factory=lambda: dict(
            blur=(0.5, 1.5), jpeg=(50, 90), median=(3, 5), noise=(2.0, 8.0), sharpen=(0.3, 1.5)
        )
    )
    poisson: float = 0.0
    inpainting: Mapping[str, float] = field(default_factory=lambda: dict(ns=0.5, telea=0.5))
    inpaint_radius: Draw = Draw(1.0, 1, 3)
    filled_pixels: int | None = 6000
    dilation: Draw = Draw(1.0, 2, 6)
    source_quality: Draw = NEVER
    target_quality: Draw = NEVER
    target_aligned: float = 1.0
    final_quality: Draw = Draw(1.0, 60, 100)
    named_tables: float = 0.0
    subsampling: Mapping[str, float] = field(default_factory=lambda: {'4:2:0': 1.0})
    aligned: float = 0.0

    def __post_init__(self) -> None:
        if self.size is not None:
            require_whole('size', self.size, SMALLEST_SIDE)
        if self.filled_pixels is not None:
            require_whole('filled_pixels', self.filled_pixels, 100)
        require_shares('kinds', self.kinds, KINDS)
        require_shares('inpainting', self.inpainting, INPAINTINGS)
        require_shares('subsampling', self.subsampling, SUBSAMPLINGS)
        require_shares('interpolation', self.interpolation, INTERPOLATIONS)
        for key in PROBABILITIES:
            require_number(key, getattr(self, key), 0, 1)
        require_choice('contour', self.contour, CONTOURS)
        for key in LIMITS:
            _require_draw(key, getattr(self, key))
        if not isinstance(self.log_share, bool):
            raise ValueError(f'log_share must be true or false, got {self.log_share!r}')
        _require_steps(self.steps)

    def draw_share(self, rng: np.random.Generator) -> float:
        """The area of a forged region over the image's."""
        if not self.log_share:
            # _require_draw has seen to it that a share is always drawn.
            return cast(float, self.share.sample(rng))
        return float(np.exp(rng.uniform(np.log(self.share.low), np.log(self.share.high))))

    def asdict(self) -> dict[str, object]:
        """Every value, as JSON takes it."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {key: vars(value) if isinstance(value, Draw) else _plain(value) for key, value in found.items()}


def choose(shares: Mapping[str, float], rng: np.random.Generator) -> str:
    """A name, by the shares."""
    names = sorted(shares)
    weights = np.array([shares[name] for name in names], float)
    # What rng.choice draws, without its checks, which take longer.
    edges = (weights / weights.sum()).cumsum()
    return names[int(np.searchsorted(edges / edges[-1], rng.random(), 'right'))]


def _require_draw(key: str, draw: object) -> None:
    if not isinstance(draw, Draw):
        raise ValueError(f'{key} must be a range with a probability, got {draw!r}')
    require_number(f'{key}.probability', draw.probability, 1 if key in ALWAYS else 0, 1)
    if draw.probability:
        require_pair(f'{key}.range', (draw.low, draw.high), *LIMITS[key])


def _require_steps(steps: object) -> None:
    if not isinstance(steps, Mapping) or not steps:
        raise ValueError(f'steps must be ranges by name ({", ".join(STEPS)}), got {steps!r}')
    for name, ends in steps.items():
        if name not in STEPS:
            raise ValueError(f'steps: unknown {name}; there are {", ".join(STEPS)}')
        require_pair(f'steps.{name}', ends, *STEPS[name])


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return list(value) if isinstance(value, tuple) else value
