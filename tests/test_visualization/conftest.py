"""What matplotlib was asked to draw."""

import pytest
from matplotlib.figure import Figure

from focal_mmseg.visualization import curves, figures, panels


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are begun, whose axes tell what is in the image."""
    found: list[Figure] = []

    def new_figure(width: float, height: float) -> Figure:
        found.append(figures.new_figure(width, height))
        return found[-1]

    for module in (curves, panels):
        monkeypatch.setattr(module, 'new_figure', new_figure)
    return found
