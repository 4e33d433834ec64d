"""The figures that matplotlib draws."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float) -> 'Figure':
    """An empty figure that belongs to no window.

    Args:
        width (float): In inches.
        height (float): In inches.

    Raises:
        ImportError: If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('figures are drawn by matplotlib: pip install "focal_mmseg[demo]"') from error
    return Figure(figsize=(width, height), layout='constrained')
