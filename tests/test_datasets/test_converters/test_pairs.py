"""Miniatures of the sets whose pictures and masks stand in two folders."""

from pathlib import Path

import numpy as np
from miniatures import converted, write_mask, write_picture

from focal_mmseg.datasets.converters import SETS, convert


def test_ffpp(tmp_path: Path) -> None:
    write_picture(tmp_path / 'FF++' / 'images' / '000_003_12.png')
    forged = write_mask(tmp_path / 'FF++' / 'masks' / '000_003_12.png', 1)
    write_picture(tmp_path / 'FF++' / 'images' / '001_870_3.png')
    report = convert(SETS['ffpp'], tmp_path / 'FF++', tmp_path / 'out')
    assert report.counts == {'face': 1} and '001_870_3.png: its mask' in report.dropped[0]
    assert np.array_equal(converted(tmp_path / 'out', 'face/000_003_12'), forged)


def test_in_dso1_black_is_forged(tmp_path: Path) -> None:
    source = tmp_path / 'release'
    write_picture(source / 'DSO-1' / 'splicing-01.png')
    write_picture(source / 'DSO-1' / 'normal-01.png')
    forged = write_mask(source / 'DSO-1-Fake-Images-Masks' / 'splicing-01.png', 2, values=(255, 0))
    report = convert(SETS['dso1'], source, tmp_path / 'out')
    assert report.counts == {'splice': 1, 'pristine': 1} and not report.dropped
    assert np.array_equal(converted(tmp_path / 'out', 'splice/splicing-01'), forged)


def test_cocoglide_is_matched_by_number(tmp_path: Path) -> None:
    source = tmp_path / 'CocoGlide'
    write_picture(source / 'fake' / 'glide_inpainting_val2017_27696_up.png')
    write_picture(source / 'real' / 'glide_inpainting_val2017_27696.png')
    forged = write_mask(source / 'mask' / 'airplane_27696_mask.png', 3)
    write_mask(source / 'mask' / 'airplane_1_mask.png', 4)
    report = convert(SETS['cocoglide'], source, tmp_path / 'out')
    assert report.counts == {'inpainting': 1, 'pristine': 1} and not report.dropped
    found = converted(tmp_path / 'out', 'inpainting/glide_inpainting_val2017_27696_up')
    assert np.array_equal(found, forged)


def test_autosplice_takes_the_least_compressed(tmp_path: Path) -> None:
    source = tmp_path / 'AutoSplice'
    for quality in (100, 90, 75):
        write_picture(source / f'Forged_JPEG{quality}' / '1021_0.jpg', quality)
    write_picture(source / 'Authentic' / '1021.jpg')
    forged = write_mask(source / 'Mask' / '1021_0_mask.png', 5)
    report = convert(SETS['autosplice'], source, tmp_path / 'out')
    assert report.counts == {'inpainting': 1, 'pristine': 1} and 'JPEG90' in report.notes[0]
    assert (tmp_path / 'out' / 'images' / 'inpainting' / '1021_0.jpg').resolve().parent.name == 'Forged_JPEG100'
    assert np.array_equal(converted(tmp_path / 'out', 'inpainting/1021_0'), forged)


def test_korus_has_the_same_names_for_each_camera(tmp_path: Path) -> None:
    source = tmp_path / 'data-images'
    for seed, camera in enumerate(('Canon_60D', 'Nikon_D90')):
        write_picture(source / camera / 'tampered-realistic' / 'DPP0012.TIF', seed)
        write_picture(source / camera / 'pristine' / 'DPP0012.TIF', seed)
        write_mask(source / camera / 'ground-truth' / 'DPP0012.PNG', seed)
    report = convert(SETS['korus'], source, tmp_path / 'out')
    assert report.counts == {'realistic': 2, 'pristine': 2} and not report.dropped
    forged = write_mask(tmp_path / 'scratch.png', 1)
    assert np.array_equal(converted(tmp_path / 'out', 'realistic/Nikon_D90/DPP0012'), forged)
