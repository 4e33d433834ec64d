"""Miniatures of the sets whose images and masks stand in two folders."""

from pathlib import Path

import cv2
import numpy as np
from miniatures import converted, write_image, write_mask

from focal_mmseg.datasets.converters import SETS, convert


def test_ffpp(tmp_path: Path) -> None:
    write_image(tmp_path / 'FF++' / 'images' / '000_003_12.png')
    forged = write_mask(tmp_path / 'FF++' / 'masks' / '000_003_12.png', 1)
    write_image(tmp_path / 'FF++' / 'images' / '001_870_3.png')
    report = convert(SETS['ffpp'], tmp_path / 'FF++', tmp_path / 'out')
    assert report.counts == {'face': 1} and '001_870_3.png: its mask' in report.dropped[0]
    assert np.array_equal(converted(tmp_path / 'out', 'face/000_003_12'), forged)


def test_frames_of_one_name_by_several_methods_are_all_taken_with_their_own_masks(tmp_path: Path) -> None:
    forged = {}
    for seed, method in enumerate(('Deepfakes', 'Face2Face')):
        write_image(tmp_path / 'FF++' / method / 'images' / '000.png', seed)
        forged[method] = write_mask(tmp_path / 'FF++' / method / 'masks' / '000.png', seed)
    report = convert(SETS['ffpp'], tmp_path / 'FF++', tmp_path / 'out')
    assert report.counts == {'face': 2} and not report.dropped
    for method, mask in forged.items():
        assert np.array_equal(converted(tmp_path / 'out', f'face/{method}/000'), mask)


def test_in_dso1_black_is_forged(tmp_path: Path) -> None:
    source = tmp_path / 'release'
    write_image(source / 'DSO-1' / 'splicing-01.png')
    write_image(source / 'DSO-1' / 'normal-01.png')
    forged = write_mask(source / 'DSO-1-Fake-Images-Masks' / 'splicing-01.png', 2, values=(255, 0))
    report = convert(SETS['dso1'], source, tmp_path / 'out')
    assert report.counts == {'splice': 1, 'pristine': 1} and not report.dropped
    assert np.array_equal(converted(tmp_path / 'out', 'splice/splicing-01'), forged)


def test_cocoglide_is_matched_by_number(tmp_path: Path) -> None:
    source = tmp_path / 'CocoGlide'
    write_image(source / 'fake' / 'glide_inpainting_val2017_27696_up.png')
    write_image(source / 'real' / 'glide_inpainting_val2017_27696.png')
    forged = write_mask(source / 'mask' / 'airplane_27696_mask.png', 3)
    write_mask(source / 'mask' / 'airplane_1_mask.png', 4)
    report = convert(SETS['cocoglide'], source, tmp_path / 'out')
    assert report.counts == {'inpainting': 1, 'pristine': 1} and not report.dropped
    found = converted(tmp_path / 'out', 'inpainting/glide_inpainting_val2017_27696_up')
    assert np.array_equal(found, forged)


def test_autosplice_takes_the_least_compressed(tmp_path: Path) -> None:
    source = tmp_path / 'AutoSplice'
    for quality in (100, 90, 75):
        for number in (0, 1):
            write_image(source / f'Forged_JPEG{quality}' / f'1021_{number}.jpg', quality + number)
    write_image(source / 'Authentic' / '1021.jpg')
    # The edits of one region share its mask.
    forged = write_mask(source / 'Mask' / '1021_mask.png', 5)
    report = convert(SETS['autosplice'], source, tmp_path / 'out')
    assert report.counts == {'inpainting': 2, 'pristine': 1} and not report.dropped and 'JPEG90' in report.notes[0]
    assert (tmp_path / 'out' / 'images' / 'inpainting' / '1021_0.jpg').resolve().parent.name == 'Forged_JPEG100'
    for number in (0, 1):
        assert np.array_equal(converted(tmp_path / 'out', f'inpainting/1021_{number}'), forged)


def test_korus_has_the_same_names_for_each_camera(tmp_path: Path) -> None:
    source = tmp_path / 'data-images'
    for seed, camera in enumerate(('Canon_60D', 'Nikon_D90')):
        write_image(source / camera / 'tampered-realistic' / 'DPP0012.TIF', seed)
        write_image(source / camera / 'pristine' / 'DPP0012.TIF', seed)
        write_mask(source / camera / 'ground-truth' / 'DPP0012.PNG', seed)
    report = convert(SETS['korus'], source, tmp_path / 'out')
    assert report.counts == {'realistic': 2, 'pristine': 2} and not report.dropped
    forged = write_mask(tmp_path / 'scratch.png', 1)
    assert np.array_equal(converted(tmp_path / 'out', 'realistic/Nikon_D90/DPP0012'), forged)


def test_korus_has_three_levels_of_which_grey_is_forged_too(tmp_path: Path) -> None:
    camera = tmp_path / 'data-images' / 'Sony_A57'
    forged = {}
    for name, (object_level, beside) in {'both': (255, 127), 'only_grey': (127, 127)}.items():
        write_image(camera / 'tampered-realistic' / f'{name}.TIF')
        levels = np.zeros((24, 32), np.uint8)
        levels[4:12, 4:12] = object_level
        levels[14:20, 4:28] = beside
        (camera / 'ground-truth').mkdir(exist_ok=True)
        assert cv2.imwrite(str(camera / 'ground-truth' / f'{name}.PNG'), levels)
        forged[name] = levels > 0
    report = convert(SETS['korus'], tmp_path / 'data-images', tmp_path / 'out')
    assert report.counts == {'realistic': 2}
    for name, mask in forged.items():
        assert np.array_equal(converted(tmp_path / 'out', f'realistic/Sony_A57/{name}'), mask)
