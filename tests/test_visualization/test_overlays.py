"""Masks over images, and the grid."""

from pathlib import Path

import cv2
import numpy as np

from focal_mmseg.visualization import overlay_mask, plot_grid


def test_an_overlay_reddens_the_forged_region_alone() -> None:
    image = np.full((20, 30, 3), 100, np.uint8)
    mask = np.zeros((20, 30), np.uint8)
    mask[5:10, 5:15] = 255
    drawn = overlay_mask(image, mask)
    assert (drawn[mask == 0] == image[mask == 0]).all()
    assert (drawn[mask > 0][:, 2] > 100).all()
    assert (image == 100).all()


def test_the_grid_has_a_row_an_image_and_a_column_a_view(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    row = (rng.integers(0, 255, (16, 16, 3), np.uint8), np.zeros((16, 16), np.uint8), rng.random((16, 16)))
    plot_grid(tmp_path / 'grid.png', [row, row], ('input', 'truth', 'score'), ('one', 'two'))
    image = cv2.imread(str(tmp_path / 'grid.png'))
    assert image.shape[1] > image.shape[0]
    assert image.std() > 0
    assert [path.name for path in tmp_path.iterdir()] == ['grid.png']
