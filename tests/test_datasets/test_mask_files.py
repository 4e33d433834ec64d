"""Which mask belongs to an image, and images and lists of every kind in a data set."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from focal_mmseg.datasets.any_image import enable_any_image, reads_any_image
from focal_mmseg.datasets.checking import list_entries
from focal_mmseg.datasets.mask_files import MaskFolder


def names(data: object) -> list[str]:
    return [Path(data.get_data_info(index)['img_path']).name for index in range(len(data))]


def encoded(image: np.ndarray, kind: str) -> bytes:
    if kind == 'HEIF':
        pytest.importorskip('pillow_heif').register_heif_opener()
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind)
    return buffer.getvalue()


# --- masks that are called otherwise


@pytest.mark.parametrize('pristine', [False, True])
@pytest.mark.parametrize(('suffix', 'mask'), [('.png', '1.PNG'), ('.PNG', '1.png'), ('_gt.png', '1_GT.Png')])
def test_the_case_of_a_masks_ending_does_not_matter(
    dataset, write, photograph, half_mask, suffix, mask, pristine
) -> None:
    write('images/1.jpg', photograph)
    write(f'masks/{mask}', half_mask)
    data = dataset(seg_map_suffix=suffix, pristine_without_mask=pristine)
    assert data[0]['data_samples'].gt_sem_seg.data.sum() == 60 * 30


def test_two_masks_that_differ_by_case_are_refused(dataset, write, photograph, half_mask) -> None:
    write('images/1.jpg', photograph)
    for name in ('1.PNG', '1.Png'):
        write(f'masks/{name}', half_mask)
    with pytest.raises(ValueError, match=r'1\.jpg may have the mask 1\.PNG or 1\.Png'):
        dataset()
    write('masks/1.png', half_mask)
    assert dataset().get_data_info(0)['seg_map_path'].endswith('1.png')


@pytest.mark.parametrize('mask', ['1_gt.png', '1.bmp', 'mask1.png', 'sub/1.png'])
def test_masks_of_no_image_beside_images_of_no_mask_are_refused(dataset, write, photograph, half_mask, mask) -> None:
    write('images/1.jpg', photograph)
    write('images/2.jpg', photograph)
    write('masks/2.png', half_mask)
    write(f'masks/{mask}', half_mask)
    says = rf'1 of 2 images have no mask, as 1\.jpg, which should have 1\.png, while 1 files .*: {mask}: .*seg_map'
    with pytest.raises(ValueError, match=says):
        dataset(pristine_without_mask=True)
    with pytest.raises(FileNotFoundError, match=r'1\.jpg has no mask .*\(in .*masks there is'):
        dataset()


def test_a_set_in_which_some_are_pristine_loads(dataset, write, photograph, half_mask) -> None:
    for name in '12':
        write(f'images/{name}.jpg', photograph)
    write('masks/2.PNG', half_mask)
    write('masks/Thumbs.db', b'none')
    data = dataset(pristine_without_mask=True)
    assert [bool(sample['data_samples'].gt_sem_seg.data.sum()) for sample in data] == [False, True]


def test_masks_in_the_images_folder_may_have_any_case(dataset, write, photograph, half_mask) -> None:
    write('1.jpg', photograph)
    write('1_GT.PNG', half_mask)
    write('2.jpg', photograph)
    prefix = dict(img_path='', seg_map_path='')
    assert names(dataset(data_prefix=prefix, seg_map_suffix='_gt.png', pristine_without_mask=True)) == [
        '1.jpg',
        '2.jpg',
    ]


def test_a_folder_is_checked_with_endings_of_any_case(tmp_path, write, photograph, half_mask) -> None:
    write('images/1.jpg', photograph)
    write('masks/1.PNG', half_mask)
    write('images/notes.txt', b'notes')
    with pytest.warns(UserWarning, match=r'left out of .*images: 1 no image \(\.txt\)'):
        entries, failures = list_entries(tmp_path)
    assert entries[0].mask.endswith('1.PNG') and not failures


def test_a_mask_folder_is_not_searched_without_need(tmp_path, write, half_mask, monkeypatch) -> None:
    write('masks/1.png', half_mask)
    monkeypatch.setattr('focal_mmseg.datasets.mask_files.search_images', None)
    assert MaskFolder(tmp_path / 'masks', '.png').name_for('1.jpg') == '1.png'


# --- images of every kind

KINDS = {
    'a.jfif': 'JPEG',
    'b.JPE': 'JPEG',
    'c.ppm': 'PPM',
    'd.jp2': 'JPEG2000',
    'e.avif': 'AVIF',
    'f.gif': 'GIF',
    'g.heic': 'HEIF',
    'IMG.2024': 'PNG',
    'noending': 'WEBP',
    'photo.dat': 'JPEG',
}


@pytest.mark.parametrize('pipeline', ['test', 'train'])
@pytest.mark.parametrize('name', KINDS)
def test_an_image_is_one_by_its_content(dataset, write, photograph, half_mask, name, pipeline) -> None:
    content = encoded(photograph, KINDS[name])
    write(f'images/splice/{name}', content)
    stem = name if name in ('IMG.2024', 'noending') else Path(name).stem
    write(f'masks/splice/{stem}.png', half_mask)
    data = dataset(pipeline, scale=(90, 60))
    sample = data[0]
    assert sample['data_samples'].gt_sem_seg.data.sum() == 60 * 30
    expected = np.asarray(Image.open(io.BytesIO(content)).convert('RGB')).astype(int)
    np.testing.assert_allclose(sample['inputs'].permute(1, 2, 0).numpy()[..., ::-1], expected, atol=3)


def test_what_is_no_image_is_counted_by_kind(dataset, write, photograph, half_mask) -> None:
    write('images/1.jpg', photograph)
    write('masks/1.png', half_mask)
    for name, content in {'a.psd': b'8BPS\0\1', 'b': b'8BPS\0\1', 'n.txt': b'notes', 'c.nef': b'II*\0\0\0\0\0'}.items():
        write(f'images/{name}', content + bytes(50))
    says = r'images: 2 PSD, which is not read: save it as PNG; 1 camera RAW, which .*; 1 no image \(\.txt\)'
    with pytest.warns(UserWarning, match=says):
        assert names(dataset()) == ['1.jpg']


def test_masks_of_other_kinds_are_read_too(dataset, write, photograph, half_mask) -> None:
    write('images/1.jpg', photograph)
    write('masks/1.gif', encoded(half_mask, 'GIF'))
    assert dataset(seg_map_suffix='.gif')[0]['data_samples'].gt_sem_seg.data.sum() == 60 * 30


def test_a_loader_that_cannot_read_a_kind_says_so_with_the_remedy(dataset, write, photograph, half_mask) -> None:
    write('images/1.jpg', encoded(photograph, 'GIF'))
    write('masks/1.png', half_mask)
    pipeline = [dict(type='LoadImageFromFile', backend_args=dict(backend='local')), dict(type='LoadForgeryMask')]
    with pytest.raises(ValueError, match=r"1\.jpg is GIF, which .* give it backend_args=dict\(backend='any_image'\)"):
        dataset(pipeline)[0]


def test_only_plain_loaders_get_the_backend() -> None:
    plain, other = dict(type='mmcv.LoadImageFromFile'), dict(type='LoadImageFromFile', imdecode_backend='pillow')
    found = enable_any_image([plain, other, dict(type='Resize', scale=(9, 9))])
    assert found == [{**plain, 'backend_args': dict(backend='any_image')}, other, dict(type='Resize', scale=(9, 9))]
    assert reads_any_image(found) and not reads_any_image([plain]) and 'backend_args' not in plain


# --- lists


@pytest.mark.parametrize(
    ('name', 'content'),
    [
        ('metadata.csv', 'file_name,mask\n#1.jpg,#1.png\nsub\\2.jpg,sub\\2.png\n'),
        ('list.jsonl', '{"image": "#1.jpg", "mask": "#1.png"}\n{"image": "sub\\\\2.jpg", "mask": "sub\\\\2.png"}\n'),
        ('list.txt', '#1.jpg\t#1.png\nsub\\2.jpg\tsub\\2.png\n'),
    ],
)
def test_lists_of_every_form_give_the_same_set(dataset, write, photograph, half_mask, name, content) -> None:
    for each in ('#1', 'sub/2'):
        write(f'images/{each}.jpg', photograph)
        write(f'masks/{each}.png', half_mask)
    write(name, content.encode())
    data = dataset(ann_file=name)
    assert [data.get_data_info(number)['image_name'] for number in range(2)] == ['#1', 'sub/2']
    assert [sample['data_samples'].gt_sem_seg.data.sum() for sample in data] == [60 * 30] * 2


def test_a_line_twice_counts_once_and_is_told(dataset, write, photograph, half_mask) -> None:
    write('images/1.jpg', photograph)
    write('masks/1.png', half_mask)
    write('list.txt', b'1.jpg\t1.png\n./1.jpg\t1.png\n')
    with pytest.warns(UserWarning, match=r'list\.txt: line 2 repeats line 1, 1\.jpg'):
        assert len(dataset(ann_file='list.txt')) == 1
    write('list.txt', b'1.jpg\t1.png\n1.jpg\t\tpristine\n')
    with pytest.raises(ValueError, match=r'list\.txt, line 2: 1\.jpg is named in line 1 too'):
        dataset(ann_file='list.txt', pristine_without_mask=True)


def test_a_line_without_its_file_is_named(dataset, write, photograph, half_mask) -> None:
    write('images/1.jpg', photograph)
    write('masks/1.png', half_mask)
    write('list.txt', b'1.jpg\t1.png\n#old\n')
    with pytest.raises(
        FileNotFoundError, match=r'#old, which does not exist, in line 2: .* comment begins with # and a'
    ):
        dataset(ann_file='list.txt')


def test_a_mask_that_a_list_does_not_name_is_told(dataset, write, photograph, half_mask) -> None:
    for name in '123':
        write(f'images/{name}.jpg', photograph)
        write(f'masks/{name}.png', half_mask)
    write('list.txt', b'1.jpg\t1.png\n2.jpg\n3.jpg\t\tpristine\n')
    says = r'list\.txt, line 2, names no mask for 2\.jpg, .*masks.2\.png is there; so it is for 1 images'
    with pytest.warns(UserWarning, match=says):
        data = dataset(ann_file='list.txt', pristine_without_mask=True)
    assert [bool(sample['data_samples'].gt_sem_seg.data.sum()) for sample in data] == [True, False, False]
