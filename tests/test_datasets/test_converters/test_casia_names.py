"""CASIA's corrected names, and conversions that lose too much."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from miniatures import converted, write_image, write_mask

from focal_mmseg.datasets.converters import SETS, convert
from focal_mmseg.datasets.converters.casia_names import match_names
from focal_mmseg.datasets.converters.conversion import LeftOutError

RELEASE = Path(__file__).parents[4] / 'shared' / 'data' / 'forged' / 'casia1_release'

# An image's old name, its mask's corrected one, and how the second comes of the first.
CORRECTED = [
    ('Sp_D_NRN_A_ani0001_arc0059_0404', 'Sp_D_NRN_A_arc0059_ani0001_0404', 'source and target exchanged'),
    ('Sp_D_NND_A_nat0054_nat0054_0189', 'Sp_S_NND_A_nat0054_nat0054_0189', 'D and S exchanged'),
    ('Sp_S_NND_A_art0025_art0019_0090', 'Sp_D_NND_A_art0025_art0019_0090', 'D and S exchanged'),
    ('Sp_D_NNN_A_sec0049_sec0049_0117', 'Sp_D_NNN_A_sec0049_sec0050_0117', 'source or target corrected'),
    ('Sp_D_NRN_A_ani0005_cha0056_0406', 'Sp_D_NRN_A_cha0056.ani0005_0406', 'source and target exchanged'),
    ('Tp_S_NRN_S_N_ani00001_cha00002_00003', 'Tp_D_NRN_S_N_cha00002_ani00001_00003', 'source and target exchanged'),
]


@pytest.mark.parametrize(('old', 'new', 'rule'), CORRECTED)
def test_a_corrected_name_is_found(old: str, new: str, rule: str) -> None:
    assert match_names([old], [new]) == {old: (new, rule)}


def test_the_same_name_comes_first() -> None:
    names = ['Sp_D_NRN_A_ani0001_arc0059_0404', 'Sp_D_NRN_A_arc0059_ani0001_0404']
    assert match_names(names, names) == {name: (name, '') for name in names}
    assert match_names(names[:1], names) == {names[0]: (names[0], '')}


def test_a_number_alone_pairs_nothing() -> None:
    assert not match_names(['Sp_S_NNN_C_txt0001_txt0001_0001'], ['Sp_S_NNN_R_txt0001_txt0001_0001'])
    assert not match_names(['Sp_D_NRN_A_cha0011_sec0011_0542'], ['Sp_D_NRN_A_ani0001_ani0002_0542'])


def test_what_two_could_mean_stays_open() -> None:
    assert not match_names(['Sp_D_NNN_A_b_a_0001'], ['Sp_D_NNN_A_a_b_0001', 'Sp_S_NNN_A_a_b_0001'])
    assert not match_names(['Sp_D_NNN_A_b_a_0001', 'Sp_S_NNN_A_b_a_0001'], ['Sp_D_NNN_A_a_b_0001'])


@given(st.lists(st.tuples(st.sampled_from('DS'), *[st.integers(0, 5)] * 3), unique=True), st.randoms())
def test_no_name_is_given_twice_and_the_order_does_not_matter(parts: list, random) -> None:
    names = [f'Sp_{letter}_NNN_A_a{one}_a{two}_000{number}' for letter, one, two, number in parts]
    ours, theirs = names[: len(names) // 2], names[len(names) // 3 :]
    found = match_names(ours, theirs)
    assert len({other for other, _ in found.values()}) == len(found)
    assert all(found[name] == (name, '') for name in ours if name in theirs)
    random.shuffle(ours)
    assert match_names(ours, theirs) == found


def test_a_conversion_takes_the_corrected_names_kind_and_reports_them(tmp_path: Path) -> None:
    source, forged = tmp_path / 'c', {}
    for seed, (old, new, _) in enumerate(CORRECTED[:5]):
        write_image(source / 'Tp' / f'{old}.jpg', seed)
        forged[old] = write_mask(source / 'Gt' / f'{new}_gt.png', seed)
    write_mask(source / 'Gt' / 'Sp_D_NNN_A_a_b_9999_gt.png')
    report = convert(SETS['casia1'], source, tmp_path / 'out', most_left_out=0.01)
    assert report.counts == {'splice': 4, 'copy-move': 1} and not report.dropped
    assert len(report.renamed) == 5
    old, new, rule = CORRECTED[3]
    assert f'Tp/{old}.jpg: {new}_gt.png, {rule}' in report.renamed
    assert '2 masks have a corrected name of their images: D and S exchanged' in report.notes
    assert '1 masks belong to no image here, as Sp_D_NNN_A_a_b_9999_gt.png' in report.notes
    assert report.unused == {'Gt': 1}
    for (old, new, _), kind in zip(CORRECTED, ('splice', 'copy-move', 'splice', 'splice', 'splice'), strict=False):
        assert new.split('_')[1] == {'splice': 'D', 'copy-move': 'S'}[kind]
        assert np.array_equal(converted(tmp_path / 'out', f'{kind}/{old}'), forged[old])
    assert json.loads((tmp_path / 'out' / 'report.json').read_text())['renamed'] == report.renamed


def test_v1_plus_and_the_networks_images_are_paired_too(tmp_path: Path) -> None:
    old, new, _ = CORRECTED[0]
    write_image(tmp_path / 'plus' / 'Tp' / f'{old}.jpg')
    write_mask(tmp_path / 'plus' / 'm' / f'{new}_gt.png')
    (tmp_path / 'plus' / 'list.txt').write_text(f'Tp/{new}.jpg m/{new}_gt.png 1\n')
    report = convert(SETS['casia1plus'], tmp_path / 'plus', tmp_path / 'out1')
    assert report.counts == {'splice': 1} and len(report.renamed) == 1
    write_image(tmp_path / 'osn' / 'Casia_Facebook' / f'{old}.jpg')
    write_mask(tmp_path / 'osn' / 'Casia_GT' / f'{new}_gt.png')
    report = convert(SETS['osn'], tmp_path / 'osn', tmp_path / 'out2')
    assert report.counts == {'casia-facebook': 1} and len(report.renamed) == 1


@pytest.mark.skipif(not RELEASE.is_dir(), reason='the development photographs are not beside the repository')
def test_the_real_release_is_whole_but_for_what_is_known(tmp_path: Path) -> None:
    images = list(SETS['casia1'].find(RELEASE, print))
    assert all(mask.is_file() for image in images for mask in image.masks)
    assert [sum(image.kind == kind for image in images) for kind in ('splice', 'copy-move', 'pristine')] == [
        231,
        229,
        400,
    ]
    # Of those that keep their names every tenth is converted, and the one of the turned mask.
    chosen = [each for place, each in enumerate(images) if each.renamed or '_0275' in each.image.name or not place % 10]
    report = convert(replace(SETS['casia1'], find=lambda *_: chosen), RELEASE, tmp_path / 'out', most_left_out=0)
    assert report.known == ['Sp/Sp_D_CNN_A_sec0012_ani0007_0275.jpg: its mask is 256x384, the image 384x256']
    assert len(report.renamed) == 57 and not report.dropped and report.counts.total() == len(chosen) - 1


# --- releases of which too much is left out


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Eleven forgeries, of which one has no mask and one a damaged one, beside 200 pristine images."""
    for number in range(11):
        write_image(tmp_path / 'c' / 'Tp' / f'Sp_D_NNN_A_a{number}_b{number}_{number:04d}.jpg', number)
        if number:
            write_mask(tmp_path / 'c' / 'Gt' / f'Sp_D_NNN_A_a{number}_b{number}_{number:04d}_gt.png', number)
    (tmp_path / 'c' / 'Gt' / 'Sp_D_NNN_A_a1_b1_0001_gt.png').write_bytes(b'no mask')
    for number in range(200):
        write_image(tmp_path / 'c' / 'Au' / f'Au_ani_{number:04d}.jpg', size=(4, 4))
    return tmp_path / 'c'


def test_more_than_the_share_is_an_error_that_names_the_rules(release: Path, tmp_path: Path) -> None:
    says = (
        r'2 images were left out of 11 forged ones \(18\.2%\), more than 1%.*a mask has the name of its image '
        r'\(Au_\*, Sp_\* and <stem>_gt\.png.*\): not so for 1; a mask can be read: not so for 1\. The first: '
        r'Tp/Sp_D_NNN_A_a0_b0_0000\.jpg: .*no index is written; .*--most-left-out 0\.19'
    )
    with pytest.raises(LeftOutError, match=says) as caught:
        convert(SETS['casia1'], release, tmp_path / 'out', most_left_out=0.01)
    assert caught.value.report.failed_rules.total() == 2
    assert not (tmp_path / 'out' / 'index.tsv').exists()
    held = json.loads((tmp_path / 'out' / 'report.json').read_text())
    assert not held['finished'] and len(held['dropped']) == 2
    report = convert(SETS['casia1'], release, tmp_path / 'out', most_left_out=0.19)
    assert report.counts['splice'] == 9 and (tmp_path / 'out' / 'index.tsv').is_file()


def test_a_loss_that_is_known_counts_for_nothing(release: Path, tmp_path: Path) -> None:
    known = ('Sp_D_NNN_A_*_0000.jpg', 'Tp/Sp_D_NNN_A_a1_b1_0001.jpg')
    report = convert(replace(SETS['casia1'], known=known), release, tmp_path / 'out', most_left_out=0)
    assert len(report.known) == 2 and not report.dropped
