"""One figure over several strengths, a panel for each kind of degradation."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from focal_mmseg.utils import written_whole

from .figures import new_figure


def write_panels(
    path: str | Path,
    panels: Mapping[str, Sequence[tuple[str, float]]],
    value: str,
    reference: float | None = None,
) -> None:
    """Draw a line a panel, side by side with one scale.

    Args:
        path (str | Path): The PNG to write.
        panels (Mapping[str, Sequence[tuple[str, float]]]): (strength, value) from left to right, by the panel's name.
        value (str): What the values are, for the axis.
        reference (float, optional): Drawn dashed across each panel.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If there is no panel.
    """
    if not panels:
        raise ValueError('there is nothing to draw')
    widths = [1 + max(2, len(points)) for points in panels.values()]
    figure = new_figure(1.5 + 0.5 * sum(widths), 3.2)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False, width_ratios=widths)[0]
    for axis, (name, points) in zip(axes, panels.items(), strict=True):
        labels, values = zip(*points, strict=True)
        if reference is not None:
            axis.axhline(reference, color='0.5', linestyle='--', linewidth=1)
        axis.plot(range(len(values)), values, marker='o')
        axis.set_xticks(range(len(values)), labels, rotation=90 if len(labels) > 8 else 0)
        axis.set(title=name, xlim=(-0.6, len(values) - 0.4))
    axes[0].set_ylabel(value)
    with written_whole(path) as part:
        figure.savefig(part, dpi=110)
