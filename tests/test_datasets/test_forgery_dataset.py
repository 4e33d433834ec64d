"""ForgeryDataset: which images belong to a set, what the pipelines make of them, and what bad input says."""

import csv
import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

ORIENTATION = 0x0112


def rgb(sample: dict) -> np.ndarray:
    """The image that the pipeline gives the network, as RGB of shape (H, W, 3)."""
    return sample['inputs'].permute(1, 2, 0).numpy()[..., ::-1]


def truth(sample: dict) -> np.ndarray:
    return sample['data_samples'].gt_sem_seg.data[0].numpy()


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def names(data: object, key: str = 'image_name') -> list[str]:
    return [data.get_data_info(index)[key] for index in range(len(data))]


# --- which images belong to the set


def test_a_training_may_take_the_forged_images_alone(dataset, write, photograph, half_mask) -> None:
    rows = {'splice/1': 'splice', 'pristine/2': 'pristine', '3': '', '4': ''}
    for name in rows:
        write(f'images/{name}.jpg', photograph)
        if name != '4':
            write(f'masks/{name}.png', half_mask)
    assert names(dataset(forged_only=True, pristine_without_mask=True)) == ['3', 'splice/1']
    lines = [f'{name}.jpg\t{"" if name == "4" else f"{name}.png"}\t{kind}\n' for name, kind in rows.items()]
    write('index.tsv', ''.join(lines).encode())
    assert names(dataset(ann_file='index.tsv', forged_only=True, pristine_without_mask=True)) == ['splice/1', '3']
    write('index.tsv', b'pristine/2.jpg\tpristine/2.png\tpristine\n')
    with pytest.raises(ValueError, match=r'every image of .*index\.tsv is pristine, and forged_only=True'):
        dataset(ann_file='index.tsv', forged_only=True)


def test_sub_folders_are_kinds_and_names_are_nested(dataset, write, photograph, half_mask) -> None:
    for name in ('splice/b/2', 'splice/1', 'copy-move/1', '0'):
        write(f'images/{name}.jpg', photograph)
        write(f'masks/{name}.png', half_mask)
    data = dataset(serialize_data=True)
    assert names(data) == ['0', 'copy-move/1', 'splice/1', 'splice/b/2']
    assert names(data, 'kind') == ['', 'copy-move', 'splice', 'splice']
    sample = data[3]['data_samples']
    assert (sample.image_name, sample.kind, sample.ori_shape, sample.img_shape) == (
        'splice/b/2',
        'splice',
        (60, 90),
        (24, 32),
    )
    assert Path(sample.seg_map_path).parts[-4:] == ('masks', 'splice', 'b', '2.png')


def test_the_metadata_name_two_classes(dataset, write, photograph, half_mask) -> None:
    write('images/1.png', photograph)
    write('masks/1.png', half_mask)
    assert dataset().metainfo['classes'] == ('pristine', 'forged')


@pytest.mark.parametrize('name', ('A.JPG', 'b.TiF', 'c.JPEG', 'd.png'))
def test_the_case_of_an_images_ending_does_not_matter(dataset, write, photograph, half_mask, name) -> None:
    write(f'images/{name}', photograph)
    write(f'masks/{Path(name).stem}.png', half_mask)
    assert dataset()[0]['data_samples'].image_name == Path(name).stem


@pytest.mark.parametrize('name', ('ünïcode 图像', 'with space', 'two.dots'))
def test_names_may_have_spaces_dots_and_any_letters(dataset, write, photograph, half_mask, name) -> None:
    write(f'images/{name}.png', photograph)
    write(f'masks/{name}.png', half_mask)
    sample = dataset()[0]
    assert sample['data_samples'].image_name == name
    assert truth(sample).sum() == 60 * 30


def test_other_files_and_hidden_files_are_no_images(dataset, write, photograph, half_mask) -> None:
    write('images/1.png', photograph)
    write('masks/1.png', half_mask)
    for name in ('Thumbs.db', '1.txt', '._1.png', '.cache/2.png'):
        write(f'images/{name}', b'no image')
    assert names(dataset()) == ['1']


def test_one_ending_may_be_given_as_a_string(dataset, write, photograph, half_mask) -> None:
    for name in ('1.png', '2.jpg'):
        write(f'images/{name}', photograph)
    write('masks/1.png', half_mask)
    assert names(dataset(img_suffix='.png')) == ['1']


def test_the_suffix_of_masks_replaces_the_images_ending(dataset, write, photograph, half_mask) -> None:
    write('images/1.jpg', photograph)
    write('masks/1_gt.png', half_mask)
    assert truth(dataset(seg_map_suffix='_gt.png')[0]).sum() == 60 * 30


@pytest.mark.parametrize('suffix', ('.png', '_gt.png'))
def test_masks_in_the_images_own_folder_are_no_images(dataset, write, photograph, half_mask, suffix) -> None:
    write('1.jpg', photograph)
    write(f'1{suffix}', half_mask)
    data = dataset(data_prefix=dict(img_path='', seg_map_path=''), seg_map_suffix=suffix)
    assert names(data) == ['1']
    assert truth(data[0]).sum() == 60 * 30


def test_images_that_differ_by_their_ending_alone_have_names_of_their_own(
    dataset, write, photograph, half_mask
) -> None:
    write('images/1.jpg', photograph)
    write('images/1.tif', photograph)
    write('images/2.tif', photograph)
    write('masks/1.png', half_mask)
    write('masks/2.png', half_mask)
    assert names(dataset()) == ['1.jpg', '1.tif', '2']
    write('images/1.jpg.png', photograph)
    write('masks/1.jpg.png', half_mask)
    assert names(dataset()) == ['1.jpg', '1.jpg.png', '1.tif', '2']


@pytest.mark.parametrize(
    ('data_root', 'expected'), (('casia', 'casia'), ('casia/', 'casia'), ('casia/train/..', 'casia'), ('.', None))
)
def test_the_data_set_is_named_after_its_folder(
    dataset, write, photograph, half_mask, tmp_path, monkeypatch, data_root, expected
) -> None:
    write('casia/images/1.png', photograph)
    write('casia/masks/1.png', half_mask)
    (tmp_path / 'casia' / 'train').mkdir()
    monkeypatch.chdir(tmp_path if expected else tmp_path / 'casia')
    assert dataset(data_root=data_root)[0]['data_samples'].dataset_name == 'casia'


def test_a_given_name_wins_over_the_folders(dataset, write, photograph, half_mask) -> None:
    write('images/1.png', photograph)
    write('masks/1.png', half_mask)
    assert dataset(dataset_name='CASIA v1')[0]['data_samples'].dataset_name == 'CASIA v1'


# --- list files


@pytest.fixture
def listed(dataset, write, photograph, half_mask):
    """Builds the set of a list file of the given lines; there are images a, b/c and masks a, c."""

    def build(lines: str | bytes, **options: object):
        for name in ('a.jpg', 'b/c.png', 'not in the list.png'):
            write(f'images/{name}', photograph)
        for name in ('a.png', 'c.png'):
            write(f'masks/{name}', half_mask)
        write('list.txt', lines.encode() if isinstance(lines, str) else lines)
        return dataset(ann_file='list.txt', **options)

    return build


@pytest.mark.parametrize('newline', ('\n', '\r\n'))
@pytest.mark.parametrize('mark', ('', '\ufeff'))
def test_a_list_file_gives_the_images_in_its_order(listed, newline, mark) -> None:
    lines = ['# a comment', '', 'b/c.png\tc.png\tsplice', '   ', ' a.jpg \t a.png ']
    data = listed(mark + newline.join(lines))
    assert names(data) == ['b/c', 'a']
    assert names(data, 'kind') == ['splice', '']
    assert [truth(sample).sum() for sample in data] == [60 * 30] * 2


def test_a_listed_image_without_a_mask_is_pristine_on_request(listed) -> None:
    data = listed('a.jpg\nb/c.png\t\tauthentic\n', pristine_without_mask=True)
    assert names(data, 'kind') == ['', 'authentic']
    assert [truth(sample).sum() for sample in data] == [0, 0]


@pytest.mark.parametrize(
    ('line', 'error', 'says'),
    (
        (
            'a.jpg\ta.png\tsplice\tset\tmore',
            ValueError,
            r'list\.txt, line 2: expected image, mask, kind and set.*tabs',
        ),
        ('\ta.png', ValueError, r'list\.txt, line 2: expected image, mask, kind and set'),
        ('/etc/a.jpg\ta.png', ValueError, r'line 2: .*/etc/a\.jpg.* must lie below the data_prefix folders'),
        ('../a.jpg\ta.png', ValueError, r'line 2: .*\.\./a\.jpg.* must lie below'),
        ('a.jpg\tb/../../a.png', ValueError, r'line 2: .*b/\.\./\.\./a\.png.* must lie below'),
        ('gone.jpg\ta.png', FileNotFoundError, r'list\.txt lists .*gone\.jpg.*data_prefix\.img_path.*tabs'),
        ('a.jpg a.png', FileNotFoundError, r'list\.txt lists .*a\.jpg a\.png, which does not exist.*tabs'),
        ('b\ta.png', FileNotFoundError, r'list\.txt lists .*b, which does not exist'),
        ('a.jpg\tgone.png', FileNotFoundError, r'a\.jpg has no mask .*gone\.png: check .*list\.txt'),
        ('a.jpg', FileNotFoundError, r'a\.jpg has no mask: check .*list\.txt.*pristine_without_mask=True'),
    ),
)
def test_a_bad_line_of_a_list_file_is_named(listed, line, error, says) -> None:
    with pytest.raises(error, match=says):
        listed(f'b/c.png\tc.png\n{line}\n')


def test_a_mask_that_is_named_but_missing_is_an_error_even_where_masks_may_lack(listed) -> None:
    with pytest.raises(FileNotFoundError, match=r'gone\.png'):
        listed('a.jpg\tgone.png\n', pristine_without_mask=True)


@pytest.mark.parametrize('name', ['n' * 300, 'n\0'], ids=['too long', 'with a zero'])
@pytest.mark.parametrize('part', ['image', 'mask'])
def test_names_that_no_file_can_have_are_missing_files(listed, name, part) -> None:
    with pytest.raises(FileNotFoundError, match=r'list\.txt'):
        listed(f'{name}.jpg\ta.png\n' if part == 'image' else f'a.jpg\t{name}.png\n')


def test_a_list_file_in_another_encoding_is_named(listed) -> None:
    with pytest.raises(ValueError, match=r'list\.txt is not UTF-8: save it as UTF-8'):
        listed('ä.jpg\ta.png'.encode('latin-1'))


def test_a_list_file_of_comments_alone_is_an_empty_set(listed) -> None:
    with pytest.raises(ValueError, match=r'list\.txt holds no image .*check data_root'):
        listed('# nothing\n')


def test_a_missing_list_file_is_named(dataset, write, photograph) -> None:
    write('images/1.png', photograph)
    write('masks/1.png', photograph)
    with pytest.raises(FileNotFoundError, match=r'gone\.txt does not exist: check data_root and ann_file'):
        dataset(ann_file='gone.txt')


# --- folders and options


@pytest.mark.parametrize('key', ('img_path', 'seg_map_path'))
def test_a_missing_folder_is_named_with_its_key(dataset, write, photograph, key) -> None:
    write('images/1.png', photograph)
    write('masks/1.png', photograph)
    prefix = {**dict(img_path='images', seg_map_path='masks'), key: 'gone'}
    with pytest.raises(FileNotFoundError, match=rf'gone does not exist: check data_root and data_prefix\.{key}'):
        dataset(data_prefix=prefix)


def test_a_set_without_any_folder_is_refused(dataset) -> None:
    with pytest.raises(ValueError, match=r'needs data_root or data_prefix=dict\(img_path'):
        dataset(data_root=None, data_prefix=dict(img_path=''))


def test_an_empty_folder_is_refused_with_the_endings_looked_for(dataset, write, photograph) -> None:
    write('images/1.gif', b'of no ending looked for')
    write('masks/1.png', photograph)
    with pytest.raises(ValueError, match=r'images holds no image \(.*\.jpg.*\): check data_root'):
        dataset()


def test_an_image_without_its_mask_is_named_with_the_options(dataset, write, photograph, half_mask) -> None:
    write('images/1.png', photograph)
    write('masks/2.png', half_mask)
    with pytest.raises(
        FileNotFoundError, match=r'1\.png has no mask .*1\.png: check seg_map_suffix, or set pristine_without_mask=True'
    ):
        dataset()


def test_a_set_without_a_folder_of_masks_names_its_key(dataset, write, photograph) -> None:
    write('images/1.png', photograph)
    with pytest.raises(FileNotFoundError, match='check seg_map_path of data_prefix'):
        dataset(data_prefix=dict(img_path='images'))


def test_images_without_masks_are_pristine_on_request(dataset, write, photograph, half_mask) -> None:
    write('images/1.png', photograph)
    write('images/2.png', photograph)
    write('masks/2.png', half_mask)
    shapes_and_sums = [(truth(sample).shape, truth(sample).sum()) for sample in dataset(pristine_without_mask=True)]
    assert shapes_and_sums == [((60, 90), 0), ((60, 90), 60 * 30)]


def test_a_set_of_pristine_images_needs_no_folder_of_masks(dataset, write, photograph) -> None:
    write('images/1.png', photograph)
    sample = dataset(data_prefix=dict(img_path='images'), pristine_without_mask=True)[0]
    assert truth(sample).shape == (60, 90)
    assert truth(sample).sum() == 0


@pytest.mark.parametrize(('forged_is', 'pixels'), (('white', 60 * 30), ('black', 60 * 60)))
def test_forged_pixels_are_white_or_black(dataset, write, photograph, half_mask, forged_is, pixels) -> None:
    write('images/1.png', photograph)
    write('masks/1.png', half_mask)
    assert truth(dataset(forged_is=forged_is)[0]).sum() == pixels


@pytest.mark.parametrize(('threshold', 'pixels'), ((99, 60 * 60), (100, 60 * 30)))
def test_white_is_above_the_threshold(dataset, write, photograph, half_mask, threshold, pixels) -> None:
    write('images/1.png', photograph)
    mask = half_mask.copy()
    mask[:, 60:] = 100
    write('masks/1.png', mask)
    assert truth(dataset(mask_threshold=threshold)[0]).sum() == pixels


@pytest.mark.parametrize(
    'options', (dict(forged_is='red'), dict(mask_threshold=-1), dict(mask_threshold=255)), ids=lambda o: str(o)
)
def test_options_out_of_range_are_refused_by_name(dataset, options) -> None:
    ((key, value),) = options.items()
    with pytest.raises(ValueError, match=rf'{key} must be .*{value}'):
        dataset(**options)


# --- images as files have them


def sixteen(shape: tuple[int, ...]) -> np.ndarray:
    """A ramp over all 16-bit values."""
    return np.linspace(0, 65535, int(np.prod(shape))).astype(np.uint16).reshape(shape)


def loaded(dataset, write, name: str, content: bytes, shape: tuple[int, int]) -> np.ndarray:
    """What the test pipeline gives for an image's bytes, not resized."""
    write(f'images/{name}', content)
    data = dataset(data_prefix=dict(img_path='images'), pristine_without_mask=True, scale=shape[::-1])
    return rgb(data[0])


@pytest.mark.parametrize('mode', ('L', 'LA', 'RGB', 'RGBA', 'P', '1'))
@pytest.mark.parametrize('kind', ('PNG', 'TIFF'))
def test_a_lossless_image_comes_as_pillow_reads_it(dataset, write, photograph, mode, kind) -> None:
    image = Image.fromarray(photograph).convert(mode)
    if mode.endswith('A') and kind == 'PNG':
        image.putalpha(Image.fromarray(photograph[..., 2]))
    content = encoded(image, kind)
    expected = np.asarray(Image.open(io.BytesIO(content)).convert('RGB'))
    np.testing.assert_array_equal(loaded(dataset, write, f'1.{kind.lower()}', content, (60, 90)), expected)


@pytest.mark.parametrize('mode', ('L', 'RGB', 'CMYK'))
def test_a_jpeg_comes_as_pillow_reads_it(dataset, write, photograph, mode) -> None:
    content = encoded(Image.fromarray(photograph).convert(mode), 'JPEG', quality=90)
    expected = np.asarray(Image.open(io.BytesIO(content)).convert('RGB'))
    np.testing.assert_allclose(loaded(dataset, write, '1.jpg', content, (60, 90)), expected.astype(int), atol=2)


@pytest.mark.parametrize('ending', ('.png', '.tif'))
@pytest.mark.parametrize('shape', ((60, 90), (60, 90, 3)), ids=('grey', 'colour'))
def test_an_image_of_16_bits_is_scaled_to_8(dataset, write, ending, shape) -> None:
    values = sixteen(shape)
    content = cv2.imencode(ending, values)[1].tobytes()
    expected = (values >> 8) if values.ndim == 2 else (values >> 8)[..., ::-1]
    expected = np.broadcast_to(expected[..., None], (60, 90, 3)) if values.ndim == 2 else expected
    found = loaded(dataset, write, f'1{ending}', content, (60, 90))
    np.testing.assert_allclose(found, expected.astype(int), atol=1)


@pytest.mark.parametrize('orientation', range(1, 9))
def test_an_image_is_turned_as_its_exif_says_and_so_is_its_truth(
    dataset, write, photograph, half_mask, orientation
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    content = encoded(Image.fromarray(photograph), 'JPEG', exif=exif, quality=95)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
    turned = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(encoded(Image.fromarray(half_mask), 'PNG')))))
    write('images/1.jpg', content)
    write('masks/1.png', encoded(Image.fromarray(turned), 'PNG', exif=exif))
    sample = dataset(scale=expected.shape[1::-1])[0]
    np.testing.assert_allclose(rgb(sample), expected.astype(int), atol=2)
    assert truth(sample).shape == expected.shape[:2] == tuple(sample['data_samples'].ori_shape)
    assert truth(sample).sum() == 60 * 30


@pytest.mark.parametrize('pipeline', ('train', 'test'))
@pytest.mark.parametrize('shape', ((1, 1), (4, 200), (200, 1)), ids=str)
def test_tiny_images_pass_the_pipelines(dataset, write, photograph, pipeline, shape) -> None:
    write('images/1.png', cv2.resize(photograph, shape[::-1]))
    write('masks/1.png', np.full(shape, 255, np.uint8))
    sample = dataset(pipeline)[0]
    assert sample['inputs'].shape == (3, 24, 32)
    assert truth(sample).shape == ((24, 32) if pipeline == 'train' else shape)
    assert truth(sample).all()


# --- the two pipelines


def test_in_testing_the_mask_keeps_the_images_size(dataset, write, photograph, half_mask) -> None:
    write('images/1.png', photograph)
    write('masks/1.png', half_mask)
    sample = dataset('test')[0]
    assert sample['inputs'].shape == (3, 24, 32)
    np.testing.assert_array_equal(truth(sample), half_mask == 255)


@pytest.mark.parametrize('flip', (0.0, 1.0))
def test_in_training_the_mask_follows_the_image(dataset, write, half_mask, flip) -> None:
    write('images/1.png', half_mask)
    write('masks/1.png', half_mask)
    sample = dataset('train', scale=(30, 20), flip=flip)[0]
    assert sample['data_samples'].flip is bool(flip)
    assert 0 < truth(sample).sum() < truth(sample).size
    np.testing.assert_array_equal(truth(sample), rgb(sample)[..., 0] > 127)


# --- files that cannot be used


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.parametrize('kind', ('JPEG', 'PNG'))
@pytest.mark.parametrize('pipeline', ('train', 'test'))
@pytest.mark.parametrize(
    'damage', (cut, lambda content: b'no image' * 20, lambda content: b''), ids=('truncated', 'garbage', 'empty')
)
@pytest.mark.parametrize('part', ('images', 'masks'))
def test_a_damaged_file_is_named(dataset, write, photograph, half_mask, kind, pipeline, damage, part) -> None:
    suffix = dict(JPEG='.jpg', PNG='.png')[kind]
    write(f'images/whole{suffix}', photograph)
    write(f'masks/whole{suffix}', half_mask)
    path = Path(write(f'{part}/whole{suffix}', b''))
    content = photograph if part == 'images' else half_mask
    path.write_bytes(damage(encoded(Image.fromarray(content), kind)))
    with pytest.raises(ValueError, match=rf'cannot use the image .*images.whole{suffix}') as caught:
        dataset(pipeline, seg_map_suffix=suffix)[0]
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ('shape', 'remedy'), (((30, 45), 'make them the same size'), ((90, 60), 'turn one of them')), ids=str
)
@pytest.mark.parametrize('pipeline', ('train', 'test'))
def test_a_mask_of_another_size_is_named_with_both_sizes(dataset, write, photograph, shape, remedy, pipeline) -> None:
    write('images/1.png', photograph)
    write('masks/1.png', np.zeros(shape, np.uint8))
    says = rf'masks.1\.png is {shape[1]}x{shape[0]} but its image .*images.1\.png is 90x60: {remedy}.*list file'
    with pytest.raises(ValueError, match=says):
        dataset(pipeline)[0]


# --- a real set


def test_real_forgeries_load_through_a_list_file(dataset, root, tmp_path) -> None:
    folder = root.parent / 'shared' / 'data' / 'forged'
    if not folder.is_dir():
        pytest.skip(f'the real forgeries are not in ../shared/data/forged of {root.name}')
    with (folder / 'index.tsv').open(encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file, delimiter='\t'))
    (tmp_path / 'list.txt').write_text('\n'.join(f'{row["image"]}\t{row["mask"]}\t{row["source"]}' for row in rows))
    data = dataset(
        data_root=str(folder), data_prefix=dict(img_path='', seg_map_path=''), ann_file=str(tmp_path / 'list.txt')
    )
    assert len(data) == len(rows) > 0
    for sample, row in zip(data, rows, strict=True):
        assert truth(sample).shape == (int(row['height']), int(row['width']))
        assert truth(sample).mean() == pytest.approx(float(row['forged_share']), abs=1e-4)
        assert sample['data_samples'].kind == row['source']
