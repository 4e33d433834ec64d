"""One figure over several strengths, a panel for each kind of degradation."""

from collections.abc import Mapping, Sequence
from math import nan
from pathlib import Path

from focal_mmseg.utils import atomic_write

from .figures import new_figure


def plot_panels(
    path: str | Path,
    panels: Mapping[str, Mapping[str, Sequence[tuple[str, float]]]],
    value: str,
    references: Mapping[str, float] | None = None,
) -> None:
    """Draw lines a panel, side by side with one scale.

    Args:
        path (str | Path): The PNG to write.
        panels (Mapping[str, Mapping[str, Sequence[tuple[str, float]]]]): By the panel's name and the line's: (strength,
            value) from left to right. A strength that one line of a panel lacks is a gap in it. A line called '' has no
            legend.
        value (str): What the values are, for the axis.
        references (Mapping[str, float], optional): By the line's name, drawn dashed across each panel.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If there is no panel.
    """
    if not panels:
        raise ValueError('there is nothing to draw')
    strengths = {
        title: _merged([[label for label, _ in points] for points in lines.values()]) for title, lines in panels.items()
    }
    widths = [1 + max(2, len(labels)) for labels in strengths.values()]
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    figure = new_figure(1.5 + 0.5 * sum(widths), 3.2)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False, width_ratios=widths)[0]
    for axis, (title, lines) in zip(axes, panels.items(), strict=True):
        labels = strengths[title]
        for name, points in lines.items():
            values = dict(points)
            colour = f'C{names.index(name)}'
            if references and name in references:
                axis.axhline(references[name], color=colour, linestyle='--', linewidth=1, alpha=0.6)
            axis.plot(range(len(labels)), [values.get(label, nan) for label in labels], 'o-', color=colour, label=name)
        axis.set_xticks(range(len(labels)), labels, rotation=90 if len(labels) > 8 else 0)
        axis.set(title=title, xlim=(-0.6, len(labels) - 0.4))
    axes[0].set_ylabel(value)
    if names != ['']:
        axes[0].legend(fontsize=7)
    with atomic_write(path) as part:
        figure.savefig(part, dpi=110)


def _merged(lists: Sequence[Sequence[str]]) -> list[str]:
    """All labels, each once: what a shorter list adds stands before what follows in it."""
    order: list[str] = []
    for labels in sorted(lists, key=len, reverse=True):
        for number, label in enumerate(labels):
            if label not in order:
                behind = [order.index(each) for each in labels[number + 1 :] if each in order]
                order.insert(min(behind, default=len(order)), label)
    return order
