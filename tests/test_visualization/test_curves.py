from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.ndimage import median_filter

from focal_mmseg.visualization import plot_curves, running_median, spikiness


def test_the_running_median_is_scipys_away_from_the_ends() -> None:
    values = np.random.default_rng(0).normal(size=60)
    np.testing.assert_allclose(running_median(values, 9)[4:-4], median_filter(values, 9)[4:-4])
    assert running_median(values, 9)[0] == np.median(values[:5])


def test_spikes_are_spiky_and_a_straight_way_is_not() -> None:
    straight = np.linspace(5, 1, 100)
    spiked = straight.copy()
    spiked[::10] += 2
    assert spikiness(straight) < 0.01
    # A tenth of the steps, 2 away each, on a way of 4.
    assert spikiness(spiked) == pytest.approx(0.05, abs=0.02)
    assert spikiness(10 * spiked + 3) == pytest.approx(spikiness(spiked))


def test_a_flat_curve_has_no_measure() -> None:
    assert np.isnan(spikiness([2.0] * 30))


def test_curves_are_drawn_each_with_its_running_median(tmp_path: Path, drawn: list[Figure]) -> None:
    path = tmp_path / 'curves.png'
    curves = {'a': {50: 3.0, 100: 2.0, 150: 2.5, 200: 1.0}, 'b': {50: 1.0, 100: 1.0}}
    plot_curves(path, curves, 'loss', window=3)
    (axis,) = drawn[0].axes
    assert (axis.get_xlabel(), axis.get_ylabel()) == ('step', 'loss')
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ['a', 'b']
    lines = axis.get_lines()
    for (thin, thick), curve in zip((lines[:2], lines[2:]), curves.values(), strict=True):
        assert dict(zip(*thin.get_data(), strict=True)) == curve
        np.testing.assert_array_equal(thick.get_xdata(), list(curve))
        np.testing.assert_array_equal(thick.get_ydata(), running_median(list(curve.values()), 3))
        assert thick.get_color() == thin.get_color()
    image = cv2.imread(str(path))
    assert image.shape[1] > image.shape[0] > 300
    assert [each.name for each in tmp_path.iterdir()] == ['curves.png']
