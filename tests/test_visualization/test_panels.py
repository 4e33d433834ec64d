"""Panels of one figure over strengths."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from focal_mmseg.visualization import plot_panels


def lines_of(figure: Figure, panel: int = 0) -> dict[str, list[tuple[str, float]]]:
    """By name, (strength, value) at each tick of a panel."""
    axis = figure.axes[panel]
    labels = {place: label.get_text() for place, label in zip(axis.get_xticks(), axis.get_xticklabels(), strict=True)}
    dots = [line for line in axis.get_lines() if line.get_marker() == 'o']
    return {
        line.get_label(): [(labels[place], value) for place, value in zip(*line.get_data(), strict=True)]
        for line in dots
    }


def test_each_panel_has_its_values_and_a_dashed_reference(tmp_path: Path, drawn: list[Figure]) -> None:
    panels = {
        'jpeg': {'': [('90', 0.8), ('80', 0.7)]},
        'osn-simulated': {'': [('', 0.75)]},
        'resize': {'': [(f'{n}', 0.1 * n) for n in range(9)]},
    }
    plot_panels(tmp_path / 'panels.png', panels, 'macro F1', {'': 0.9})
    (figure,) = drawn
    assert [axis.get_title() for axis in figure.axes] == list(panels)
    assert figure.axes[0].get_ylabel() == 'macro F1' and figure.axes[0].get_legend() is None
    for number, lines in enumerate(panels.values()):
        assert list(lines_of(figure, number).values()) == [lines['']]
        (reference,) = (line for line in figure.axes[number].get_lines() if line.get_linestyle() == '--')
        assert set(reference.get_ydata()) == {0.9}
    widths = [axis.get_position().width for axis in figure.axes]
    assert widths[2] > widths[0]
    assert cv2.imread(str(tmp_path / 'panels.png')).shape[1] == round(110 * figure.get_figwidth())


@pytest.mark.parametrize('names', ['AB', 'BA'])
def test_a_strength_that_a_line_lacks_is_a_gap_at_its_place(tmp_path: Path, drawn: list[Figure], names: str) -> None:
    points = {'A': [('90', 0.8), ('70', 0.6), ('50', 0.4)], 'B': [('60', 0.75), ('50', 0.7)]}
    plot_panels(tmp_path / 'gap.png', {'jpeg': {name: points[name] for name in names}}, 'IoU')
    found = lines_of(drawn[0])
    assert [strength for strength, _ in found['A']] == [strength for strength, _ in found['B']]
    assert [strength for strength, _ in found['A']] == ['90', '70', '60', '50']
    for name, wanted in points.items():
        assert [point for point in found[name] if not np.isnan(point[1])] == wanted


def test_values_that_are_not_defined_leave_a_gap(tmp_path: Path, drawn: list[Figure]) -> None:
    lines = {'one': [('3', 0.5), ('5', float('nan'))], 'two': [('3', 0.4), ('5', 0.3)]}
    plot_panels(tmp_path / 'gap.png', {'blur': lines}, 'AUC', {'one': float('nan')})
    found = lines_of(drawn[0])
    assert found['one'][0] == ('3', 0.5) and np.isnan(found['one'][1][1])
    assert found['two'] == lines['two']
    assert [text.get_text() for text in drawn[0].axes[0].get_legend().get_texts()] == ['one', 'two']


def test_without_a_panel_there_is_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='nothing to draw'):
        plot_panels(tmp_path / 'none.png', {}, 'macro F1')
