"""One figure over several strengths, a panel for each kind of degradation."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from focal_mmseg.utils import written_whole

from .figures import new_figure


def write_panels(
    path: str | Path,
    panels: Mapping[str, Mapping[str, Sequence[tuple[str, float]]]],
    value: str,
    references: Mapping[str, float] | None = None,
) -> None:
    """Draw lines a panel, side by side with one scale.

    Args:
        path (str | Path): The PNG to write.
        panels (Mapping[str, Mapping[str, Sequence[tuple[str, float]]]]): By the panel's name and the line's: (strength,
            value) from left to right, the same strengths for each line of a panel. A line called '' has no legend.
        value (str): What the values are, for the axis.
        references (Mapping[str, float], optional): By the line's name, drawn dashed across each panel.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If there is no panel.
    """
    if not panels:
        raise ValueError('there is nothing to draw')
    widths = [1 + max(2, *(len(points) for points in lines.values())) for lines in panels.values()]
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    figure = new_figure(1.5 + 0.5 * sum(widths), 3.2)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False, width_ratios=widths)[0]
    for axis, (title, lines) in zip(axes, panels.items(), strict=True):
        for name, points in lines.items():
            labels, values = zip(*points, strict=True)
            colour = f'C{names.index(name)}'
            if name in (references or {}):
                axis.axhline(references[name], color=colour, linestyle='--', linewidth=1, alpha=0.6)
            axis.plot(range(len(values)), values, marker='o', color=colour, label=name)
        axis.set_xticks(range(len(labels)), labels, rotation=90 if len(labels) > 8 else 0)
        axis.set(title=title, xlim=(-0.6, len(labels) - 0.4))
    axes[0].set_ylabel(value)
    if names != ['']:
        axes[0].legend(fontsize=7)
    with written_whole(path) as part:
        figure.savefig(part, dpi=110)
