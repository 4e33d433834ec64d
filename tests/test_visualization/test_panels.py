"""Panels of one figure over strengths."""

from pathlib import Path

import cv2
import pytest

from focal_mmseg.visualization import write_panels


def test_a_panel_more_makes_the_picture_wider(tmp_path: Path) -> None:
    panels = {
        'jpeg': [('90', 0.8), ('80', 0.7)],
        'osn-simulated': [('', 0.75)],
        'resize': [(f'{n}', 0.1) for n in range(9)],
    }
    widths = []
    for number in (1, 3):
        path = tmp_path / f'{number}.png'
        chosen = {name: {'': points} for name, points in list(panels.items())[:number]}
        write_panels(path, chosen, 'macro F1', {'': 0.9})
        widths.append(cv2.imread(str(path)).shape[1])
    assert widths[0] < widths[1]


def test_values_that_are_not_defined_leave_a_gap(tmp_path: Path) -> None:
    lines = {'one': [('3', 0.5), ('5', float('nan'))], 'two': [('3', 0.4), ('5', 0.3)]}
    write_panels(tmp_path / 'gap.png', {'blur': lines}, 'AUC', {'one': float('nan')})
    assert (tmp_path / 'gap.png').is_file()


def test_without_a_panel_there_is_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='nothing to draw'):
        write_panels(tmp_path / 'none.png', {}, 'macro F1')
