"""Miniatures of CASIA v1, v1+ and v2, and real images of both."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from miniatures import converted, write_image, write_mask

from focal_mmseg.datasets.converters import SETS, convert
from focal_mmseg.datasets.converters.casia import OLD_KINDS

REAL = Path(__file__).parents[4] / 'shared' / 'data' / 'forged'


def test_v1_as_it_is_released(tmp_path: Path) -> None:
    source = tmp_path / 'CASIA1'
    spliced = source / 'CASIA 1.0 dataset' / 'Modified Tp' / 'Tp'
    truth = source / 'CASIA 1.0 groundtruth'
    names = {'Sp': 'Sp_D_CNN_A_art0024_ani0032_0268', 'CM': 'Sp_S_CNN_A_pla0060_pla0060_0192'}
    forged = {}
    for seed, (folder, name) in enumerate(names.items()):
        write_image(spliced / folder / f'{name}.jpg', seed)
        forged[folder] = write_mask(truth / folder / f'{name}_gt.png', seed)
    write_image(spliced / 'Sp' / 'Sp_D_NRN_A_cha0011_sec0011_0542.jpg')
    write_image(source / 'CASIA 1.0 dataset' / 'Au' / 'Au_ani_0001.jpg')
    (spliced / 'Sp' / 'Thumbs.db').write_bytes(b'')
    report = convert(SETS['casia1'], source, tmp_path / 'out')
    assert report.counts == {'splice': 1, 'copy-move': 1, 'pristine': 1}
    (known,) = report.known
    assert known.endswith('0542.jpg: its mask Sp_D_NRN_A_cha0011_sec0011_0542_gt.png does not exist')
    assert not report.dropped
    assert np.array_equal(converted(tmp_path / 'out', f'splice/{names["Sp"]}'), forged['Sp'])
    assert np.array_equal(converted(tmp_path / 'out', f'copy-move/{names["CM"]}'), forged['CM'])


def test_v1_repacked_into_one_folder_of_images_and_one_of_masks(tmp_path: Path) -> None:
    write_image(tmp_path / 'c' / 'Tp' / 'Sp_S_a_b_1.jpg')
    forged = write_mask(tmp_path / 'c' / 'Gt' / 'Sp_S_a_b_1_gt.png', 3, values=(0, 200))
    assert not convert(SETS['casia1'], tmp_path / 'c', tmp_path / 'out').dropped
    assert np.array_equal(converted(tmp_path / 'out', 'copy-move/Sp_S_a_b_1'), forged)


def test_v1_plus_is_its_list(tmp_path: Path) -> None:
    source = tmp_path / 'plus'
    write_image(source / 'Tp' / 'Sp_D_a_b_1.jpg')
    write_image(source / 'Tp' / 'Sp_D_a_b_2.jpg')
    forged = write_mask(source / 'mask' / 'Sp_D_a_b_1_gt.png', 4)
    write_image(source / 'Corel' / 'corel_7.jpg')
    list_path = source / 'CASIAv1plus.txt'
    list_path.write_text('./x/Tp/Sp_D_a_b_1.jpg ./x/mask/Sp_D_a_b_1_gt.png 1\n\n./x/corel_7.jpg None 0\n')
    report = convert(SETS['casia1plus'], source, tmp_path / 'out')
    assert report.counts == {'splice': 1, 'pristine': 1}
    assert report.notes == ['images are those of CASIAv1plus.txt']
    assert np.array_equal(converted(tmp_path / 'out', 'splice/Sp_D_a_b_1'), forged)
    (source / 'README.txt').write_text('CASIA v1+ is a list\n')
    list_path.write_text(list_path.read_text() * 2)
    report = convert(SETS['casia1plus'], source, tmp_path / 'with_readme')
    assert report.counts == {'splice': 1, 'pristine': 1} and not report.dropped
    assert len((tmp_path / 'with_readme' / 'index.tsv').read_text().splitlines()) == 3
    assert 'README.txt, line 1' in report.notes[1]
    (source / 'README.txt').unlink()
    list_path.write_text('a.jpg b.png 01\n')
    with pytest.raises(ValueError, match=r'CASIAv1plus\.txt, line 1: expected image, mask or None'):
        convert(SETS['casia1plus'], source, tmp_path / 'again')


def test_v1_plus_takes_forgeries_of_other_names(tmp_path: Path) -> None:
    write_image(tmp_path / 'c' / 'Tp' / 'abc.jpg')
    write_mask(tmp_path / 'c' / 'm' / 'abc_gt.png')
    (tmp_path / 'c' / 'list.txt').write_text('Tp/abc.jpg m/abc_gt.png 1\n')
    assert convert(SETS['casia1plus'], tmp_path / 'c', tmp_path / 'out').counts == {'other': 1}


def test_v2_with_its_known_defects(tmp_path: Path) -> None:
    source = tmp_path / 'CASIA2'
    truth = source / 'CASIA 2 Groundtruth'
    forged = {}
    for seed, (name, ending, size) in enumerate(
        [
            ('Tp_D_CRN_S_N_nat00013_ani00024_11694', 'jpg', (24, 32)),
            ('Tp_S_NNN_S_N_ani00001_ani00001_00002', 'tif', (24, 32)),
            ('Tp_D_NRN_S_N_a_b_00003', 'jpg', (12, 16)),
            ('Tp_D_NRN_S_N_a_b_00004', 'jpg', (32, 24)),
            ('Tp_S_NNN_S_N_sec00012_sec00012_11230', 'jpg', (32, 24)),
            ('Tp_D_NRD_S_B_ani20002_nat20042_02437', 'tif', (24, 32)),
        ]
    ):
        write_image(source / 'Tp' / f'{name}.{ending}', seed)
        forged[name] = write_mask(truth / f'{name}_gt.png', seed, size)
    renamed = 'Tp_D_NRD_S_N_cha10002_cha10001_20094'
    write_image(source / 'Tp' / f'{renamed}.jpg')
    forged[renamed] = write_mask(truth / f'{renamed}_gt3.png', 9)
    for ending in ('jpg', 'bmp'):
        write_image(source / 'Au' / f'Au_ani_{ending}.{ending}')
    report = convert(SETS['casia2'], source, tmp_path / 'out')
    assert report.counts == {'splice': 3, 'copy-move': 1, 'pristine': 2}
    assert len(report.mended) == 1 and '00003.jpg' in report.mended[0]
    assert report.known == ['Tp/Tp_S_NNN_S_N_sec00012_sec00012_11230.jpg: its mask is 24x32, the image 32x24']
    assert report.dropped == ['Tp/Tp_D_NRN_S_N_a_b_00004.jpg: its mask is 24x32, the image 32x24']
    assert len(report.notes) == 1 and '02437.tif is left out' in report.notes[0]
    for kind, name in (('copy-move', 'Tp_S_NNN_S_N_ani00001_ani00001_00002'), ('splice', renamed)):
        assert np.array_equal(converted(tmp_path / 'out', f'{kind}/{name}'), forged[name])


def test_old_names_of_v2_are_told_by_their_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert OLD_KINDS['splice'] + 1 - 60 + 39 == SETS['casia2'].counts['splice']
    assert OLD_KINDS['copy-move'] - 39 + 60 == SETS['casia2'].counts['copy-move']
    for letter in 'DDS':
        write_image(tmp_path / 'c' / 'Tp' / f'Tp_{letter}_{len(list(tmp_path.rglob("*.jpg")))}.jpg')
    assert not list_notes(tmp_path / 'c')
    monkeypatch.setitem(OLD_KINDS, 'splice', 2)
    monkeypatch.setitem(OLD_KINDS, 'copy-move', 1)
    assert 'those of old downloads' in list_notes(tmp_path / 'c')[0]


def list_notes(source: Path) -> list[str]:
    notes: list[str] = []
    assert len(list(SETS['casia2'].find(source, notes.append))) == 3
    return notes


def test_the_corrected_masks_of_v2(tmp_path: Path) -> None:
    for folder in ('Au', 'Tp', 'Gt'):
        (tmp_path / 'c' / folder).mkdir(parents=True)
    write_image(tmp_path / 'c' / 'Tp' / 'Tp_D_a_b_c_1_2_3.jpg')
    forged = write_mask(tmp_path / 'c' / 'Gt' / 'Tp_D_a_b_c_1_2_3_gt.png', 5)
    convert(SETS['casia2-corrected'], tmp_path / 'c', tmp_path / 'out')
    assert np.array_equal(converted(tmp_path / 'out', 'splice/Tp_D_a_b_c_1_2_3'), forged)


@pytest.mark.skipif(not REAL.is_dir(), reason='the development photographs are not beside the repository')
@pytest.mark.parametrize(('name', 'number', 'images'), [('casia1', 18, 'images'), ('casia2', 4, 'images')])
def test_real_images(tmp_path: Path, name: str, number: int, images: str) -> None:
    source = tmp_path / 'release'
    masks = {path.stem.removesuffix('_gt'): path for path in (REAL / name / 'masks').iterdir()}
    for image in (REAL / name / images).iterdir():
        (source / 'Tp').mkdir(parents=True, exist_ok=True)
        (source / 'Gt').mkdir(exist_ok=True)
        shutil.copyfile(image, source / 'Tp' / image.name)
        shutil.copyfile(masks[image.stem], source / 'Gt' / f'{image.stem}_gt.png')
    report = convert(SETS[name], source, tmp_path / 'out')
    assert sum(report.counts.values()) == number and not report.dropped and not report.mended
    for mask in (tmp_path / 'out' / 'masks').rglob('*.png'):
        written = cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE) > 127
        assert np.array_equal(written, cv2.imread(str(masks[mask.stem]), cv2.IMREAD_GRAYSCALE) > 127)
        assert 0 < written.mean() < 0.9
    for image in (tmp_path / 'out' / 'images').rglob('*.*'):
        assert image.read_bytes() == (REAL / name / images / image.name).read_bytes()
