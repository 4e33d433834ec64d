"""Curves of a training, and of what is found over false alarms."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from focal_mmseg.utils import atomic_write

from .figures import new_figure


def running_median(values: Sequence[float], window: int = 21) -> np.ndarray:
    """The median of the values around each one, fewer at the ends.

    Args:
        values (Sequence[float]): n values.
        window (int): How many, odd. Defaults to 21.

    Returns:
        np.ndarray: float64 of shape (n,).
    """
    half = window // 2
    return np.array([np.median(values[max(0, i - half) : i + half + 1]) for i in range(len(values))])


def spikiness(values: Sequence[float], window: int = 21) -> float:
    """How far a curve strays from its running median: the mean deviation, as a share of how far the median moves.

    The median's way is its range over the whole curve, so that losses of different height compare. 0 is smooth.

    Args:
        values (Sequence[float]): The loss of every step.
        window (int): Of the median, odd. Defaults to 21.

    Returns:
        float: At least 0; NaN where the median does not move.
    """
    median = running_median(values, window)
    way = median.max() - median.min()
    return float(np.abs(np.asarray(values) - median).mean() / way) if way > 0 else float('nan')


def plot_curves(path: str | Path, curves: Mapping[str, Mapping[int, float]], value: str, window: int = 21) -> None:
    """Draw curves over the steps, each with its running median.

    Args:
        path (str | Path): The PNG to write.
        curves (Mapping[str, Mapping[int, float]]): The value at each logged step, by name; steps ascend.
        value (str): What they are, for the axis.
        window (int): Of the median in logged steps, odd. Defaults to 21.

    Raises:
        ImportError: If matplotlib is not installed.
    """
    figure = new_figure(7, 4)
    axis = figure.subplots()
    for number, (name, curve) in enumerate(curves.items()):
        steps, values = list(curve), list(curve.values())
        axis.plot(steps, values, color=f'C{number}', alpha=0.35, linewidth=0.8)
        axis.plot(steps, running_median(values, window), color=f'C{number}', linewidth=1.6, label=name)
    axis.set(xlabel='step', ylabel=value)
    axis.legend()
    with atomic_write(path) as part:
        figure.savefig(part, dpi=110)


def plot_operating_curves(
    path: str | Path, curves: Mapping[str, tuple[ArrayLike, ArrayLike]], value: str, marked: float
) -> None:
    """Draw what several models find over their false alarms.

    Args:
        path (str | Path): The PNG to write.
        curves (Mapping[str, tuple[ArrayLike, ArrayLike]]): False alarms, rising, and the value at each, by
            name.
        value (str): What it is, for the axis.
        marked (float): A level of false alarms that gets a line.

    Raises:
        ImportError: If matplotlib is not installed.
    """
    figure = new_figure(7, 4)
    axis = figure.subplots()
    for number, (name, (alarms, values)) in enumerate(curves.items()):
        axis.step(alarms, values, where='post', color=f'C{number}', linewidth=1.6, label=name)
    axis.axvline(marked, color='0.6', linestyle='--', linewidth=0.8)
    # Levels of one percent and of thirty on one axis; below the least of interest it is linear.
    axis.set_xscale('symlog', linthresh=0.005)
    ticks = (0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
    axis.set(xlim=(0, 0.3), ylim=(0, None), xlabel='false alarms (share of pristine pixels)', ylabel=value)
    axis.set_xticks(ticks, [f'{tick:g}' for tick in ticks])
    axis.legend()
    with atomic_write(path) as part:
        figure.savefig(part, dpi=110)
