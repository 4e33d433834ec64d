"""Five channels of a JPEG file, and what may not stand around the loader."""

from collections.abc import Callable
from pathlib import Path

import cv2
import jpeglib
import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmengine.runner import set_random_seed
from mmseg.registry import MODELS, TRANSFORMS
from PIL import Image
from scipy.fft import idctn

from focal_mmseg.datasets.jpeg import encode_jpeg
from focal_mmseg.datasets.synthesis import load_packaged
from focal_mmseg.utils.jpeg import ORIENTATIONS, read_luma

META_KEYS = ('img_path', 'img_shape', 'pad_shape', 'img_padding_size', 'jpeg_table', 'flip', 'scale_factor')
LOAD = dict(type='LoadImageFromFile')
ARTIFACTS = dict(type='LoadJPEGArtifacts')
PACK = dict(type='PackSegInputs', meta_keys=META_KEYS)
SIZES = [(64, 48), (61, 45), (8, 8), (1, 1), (1, 30), (9, 16)]
LUMA = (0.299, 0.587, 0.114)


def photograph(height: int, width: int) -> np.ndarray:
    """A real one, BGR, without black and white."""
    image = cv2.resize(load_packaged('chelsea'), (width, height), interpolation=cv2.INTER_AREA)
    return np.rint(60 + image[..., ::-1] * 0.5).astype(np.uint8)


@pytest.fixture
def jpeg(tmp_path: Path) -> Callable[..., Path]:
    """Writes a photograph as a JPEG file."""

    def write(height: int = 61, width: int = 45, name: str = 'a.jpg', **options: object) -> Path:
        image = Image.fromarray(photograph(height, width)[..., ::-1])
        mode = options.pop('mode', 'RGB')
        image.convert(mode).save(tmp_path / name, 'JPEG', **{'quality': 80, 'subsampling': 0, **options})
        return tmp_path / name

    return write


def loaded(path: Path, *transforms: dict, **results: object) -> dict:
    return Compose([LOAD, *(transforms or (ARTIFACTS,))])(dict(img_path=str(path), **results))


def inside(results: dict) -> tuple[slice, slice]:
    """Where the image lies among what fills it up."""
    left, right, top, bottom = results['img_padding_size']
    height, width = results['img'].shape[:2]
    return slice(top, height - bottom), slice(left, width - right)


def colours(results: dict) -> np.ndarray:
    """The RGB levels of the first three channels."""
    return results['img'][..., :3] * 127.5 + 127.5


def luma_of_coefficients(results: dict) -> np.ndarray:
    """The luma that the last two channels stand for, by an inverse transform of each block."""
    image = results['img']
    levels = np.zeros(image.shape[:2])
    for top in range(0, image.shape[0], 8):
        for left in range(0, image.shape[1], 8):
            block = image[top : top + 8, left : left + 8]
            levels[top : top + 8, left : left + 8] = idctn(block[..., 3] * block[..., 4], norm='ortho') + 128
    return levels


@pytest.mark.parametrize('orientation', ORIENTATIONS)
@pytest.mark.parametrize('size', SIZES)
def test_pixels_and_coefficients_agree_in_every_orientation(jpeg: Callable, size: tuple, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = jpeg(*size, exif=exif)
    found = loaded(path)
    expected = cv2.imread(str(path))[..., ::-1]
    height, width = expected.shape[:2]
    assert (height, width) == (size if orientation < 5 else size[::-1])
    assert found['img'].dtype == np.float32
    assert found['img'].shape == (-(-height // 8) * 8, -(-width // 8) * 8, 5)
    assert found['img_shape'] == found['pad_shape'] == found['img'].shape[:2]
    assert found['ori_shape'] == (height, width)
    rgb = colours(found)
    assert np.abs(rgb[inside(found)] - expected).max() < 1e-4
    # Both streams are of one image: rounding of the colours apart.
    assert np.abs(luma_of_coefficients(found) - rgb @ LUMA)[inside(found)].max() < 2
    rows, columns = inside(found)
    # What fills up repeats the border.
    filled = np.pad(
        expected,
        (
            (rows.start, found['img'].shape[0] - rows.stop),
            (columns.start, found['img'].shape[1] - columns.stop),
            (0, 0),
        ),
        'edge',
    )
    assert np.abs(rgb - filled).max() < 1e-4


def test_an_orientation_that_the_loading_ignored_is_not_applied(jpeg: Callable) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = jpeg(64, 40, exif=exif)
    upright = jpeg(64, 40, name='b.jpg')
    load = dict(type='LoadImageFromFile', color_type='color_ignore_orientation')
    found = Compose([load, ARTIFACTS])(dict(img_path=str(path)))
    assert np.array_equal(found['img'], loaded(upright)['img'])
    assert found['img'].shape == (64, 40, 5)


@pytest.mark.parametrize('options', [{}, {'subsampling': 2}, {'progressive': True}, {'mode': 'L'}, {'quality': 5}])
def test_coefficients_are_those_of_the_file(jpeg: Callable, options: dict) -> None:
    path = jpeg(**options)
    found = loaded(path)
    coefficients, steps = read_luma(path.read_bytes()).planes()
    assert np.array_equal(found['img'][..., 3], coefficients) and np.array_equal(found['img'][..., 4], steps)
    assert np.array_equal(found['jpeg_table'], steps[:8, :8])
    assert found['img_padding_size'] == (0, 3, 0, 3)


def expect_quality_100(found: dict, image: np.ndarray) -> None:
    """All five channels are of the image's JPEG file of quality 100."""
    content = encode_jpeg(image, 100, '4:4:4')
    coefficients, steps = read_luma(content).planes()
    assert np.array_equal(found['img'][..., 3], coefficients)
    assert (found['img'][..., 4] == 1).all() and (steps == 1).all()
    again = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(colours(found)[inside(found)] - again).max() < 1e-4


@pytest.mark.parametrize('name', ['a.png', 'a.tiff', 'a.bmp', 'a.webp'])
@pytest.mark.parametrize('size', SIZES)
def test_other_formats_become_a_jpeg_of_quality_100(tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    cv2.imwrite(str(tmp_path / name), photograph(*size))
    expect_quality_100(loaded(tmp_path / name), cv2.imread(str(tmp_path / name)))


def test_the_content_decides_not_the_name(tmp_path: Path, jpeg: Callable) -> None:
    found, expected = loaded(jpeg(name='a.png')), loaded(jpeg())
    assert np.array_equal(found['img'], expected['img']) and found['jpeg_table'].max() > 1
    (tmp_path / 'b.jpg').write_bytes(cv2.imencode('.png', photograph(61, 45))[1].tobytes())
    expect_quality_100(loaded(tmp_path / 'b.jpg'), photograph(61, 45))


@pytest.mark.parametrize('options', [{'mode': 'CMYK'}, {'keep_rgb': True}])
def test_jpegs_without_luma_become_one_of_quality_100(jpeg: Callable, options: dict) -> None:
    path = jpeg(**options)
    expect_quality_100(loaded(path), cv2.imread(str(path)))


def test_arrays_grey_or_not_become_a_jpeg_of_quality_100() -> None:
    image = photograph(20, 30)
    for array in (image, image[..., 0]):
        results = Compose([dict(type='mmseg.LoadImageFromNDArray'), ARTIFACTS])(dict(img=array.copy()))
        expect_quality_100(results, image if array.ndim == 3 else np.dstack([array] * 3))


@pytest.mark.parametrize('options', [dict(mean=(1, 2)), dict(std=())])
def test_mean_and_std_are_three_numbers(options: dict) -> None:
    with pytest.raises(ValueError, match='must be three numbers'):
        TRANSFORMS.build(ARTIFACTS | options)


def test_mean_and_std_are_of_r_g_and_b(jpeg: Callable) -> None:
    found = loaded(jpeg(16, 16), ARTIFACTS | dict(mean=(10, 20, 30), std=(2, 3, 4)))
    image = cv2.imread(found['img_path']).astype(np.float32)
    for channel, (mean, std) in enumerate(((10, 2), (20, 3), (30, 4))):
        assert np.allclose(found['img'][..., channel], (image[..., 2 - channel] - mean) / std)


def test_a_mask_that_is_loaded_before_is_filled_up_with_what_no_loss_counts(jpeg: Callable) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    mask = np.ones((61, 45), np.uint8)
    found = loaded(jpeg(exif=exif), ARTIFACTS, gt_seg_map=mask, seg_fields=['gt_seg_map'])
    expected = np.full((64, 48), 255, np.uint8)
    expected[3:, 3:] = 1
    assert found['img_padding_size'] == (3, 0, 3, 0)
    assert np.array_equal(found['gt_seg_map'], expected)


@pytest.mark.parametrize(
    ('before', 'says'),
    [
        (dict(type='Resize', scale=(32, 32)), 'resized or flipped.*Take Resize and RandomFlip out'),
        (dict(type='RandomResize', scale=(32, 32), ratio_range=(1, 1)), 'Take Resize and RandomFlip out'),
        (dict(type='RandomFlip', prob=1.0), 'Take Resize and RandomFlip out'),
        (dict(type='RandomCrop', crop_size=(40, 40)), 'changed the image.*hands its JPEG file on'),
        (dict(type='PhotoMetricDistortion'), 'changed the image'),
        (dict(type='RandomRotate', prob=1.0, degree=20), 'changed the image'),
    ],
)
def test_what_changes_the_image_before_is_refused_with_the_remedy(jpeg: Callable, before: dict, says: str) -> None:
    set_random_seed(1)
    with pytest.raises(ValueError, match=says):
        loaded(jpeg(), before, ARTIFACTS, gt_seg_map=np.zeros((61, 45), np.uint8), seg_fields=['gt_seg_map'])


def test_values_of_other_than_8_bits_are_refused() -> None:
    with pytest.raises(ValueError, match='needs an image of 8 bits, got float32'):
        TRANSFORMS.build(ARTIFACTS)(dict(img=np.zeros((8, 8, 3), np.float32)))


DEGRADATIONS = [
    dict(type='JPEGCompression', quality=70),
    dict(type='JPEGCompression', quality=90, subsampling='4:4:4'),
    dict(type='SimulatedSocialNetwork', longest=40),
]


@pytest.mark.parametrize('degradation', DEGRADATIONS)
@pytest.mark.parametrize('name', ['a.jpg', 'a.png'])
def test_degradations_hand_their_file_on(jpeg: Callable, tmp_path: Path, degradation: dict, name: str) -> None:
    path = jpeg(name=name)
    degraded = loaded(path, degradation)
    # Written to a file and loaded from there, it is the same.
    (tmp_path / 'again.jpg').write_bytes(degraded['jpeg'])
    assert np.array_equal(cv2.imread(str(tmp_path / 'again.jpg')), degraded['img'])
    found, again = loaded(path, degradation, ARTIFACTS), loaded(tmp_path / 'again.jpg')
    assert np.array_equal(found['img'], again['img']) and again['jpeg_table'].max() > 1
    assert not np.array_equal(found['jpeg_table'], loaded(path)['jpeg_table'])


@pytest.mark.parametrize(
    'last',
    [
        dict(type='GaussianBlur', sigma=1.0),
        dict(type='GaussianNoise', sigma=3.0),
        dict(type='DegradeByResize', factor=0.5),
        dict(type='RandomScale', factor=0.7),
    ],
)
def test_what_comes_behind_a_compression_leaves_no_file(jpeg: Callable, last: dict) -> None:
    before = loaded(jpeg(), dict(type='JPEGCompression', quality=70), last)
    assert before['jpeg'] is None
    expect_quality_100(loaded(jpeg(), dict(type='JPEGCompression', quality=70), last, ARTIFACTS), before['img'])


def test_a_forgery_that_is_made_has_the_coefficients_of_its_last_jpeg(tmp_path: Path) -> None:
    (tmp_path / 'mine.yaml').write_text('base: psccnet\nsize: 64\nkinds: {copy-move: 1}\nfinal_quality: [60, 95]\n')
    (tmp_path / 'png.yaml').write_text('base: psccnet\nsize: 64\nkinds: {copy-move: 1}\nfinal_quality: never\n')
    image = np.ascontiguousarray(load_packaged('chelsea')[..., ::-1])
    for recipe, is_jpeg in (('mine', True), ('png', False)):
        made = TRANSFORMS.build(dict(type='SynthesizeForgery', recipe=str(tmp_path / f'{recipe}.yaml')))
        for seed in range(4):
            set_random_seed(seed)
            forged = made(dict(img=image, ori_shape=image.shape[:2], img_path='another/file.jpg'))
            pixels, content = forged['img'].copy(), forged['jpeg']
            found = TRANSFORMS.build(ARTIFACTS)(forged)
            if is_jpeg:
                assert np.array_equal(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR), pixels)
                assert np.array_equal(found['img'][..., 3], read_luma(content).planes()[0])
                assert found['jpeg_table'].max() > 1
            else:
                assert content is None
                expect_quality_100(found, pixels)


def preprocessed(results: dict, training: bool = False, **options: object) -> torch.Tensor:
    packed = TRANSFORMS.build(PACK)(results)
    data = dict(inputs=[packed['inputs']], data_samples=[packed['data_samples']])
    return MODELS.build(dict(type='JPEGDataPreProcessor', **options))(data, training)['inputs']


def test_the_preprocessor_takes_what_the_loader_made(jpeg: Callable, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / 'a.png'), photograph(61, 45))
    for path in (jpeg(), tmp_path / 'a.png'):
        found = loaded(path)
        assert np.array_equal(preprocessed(found)[0].permute(1, 2, 0), found['img'])


BEHIND = [
    dict(type='Resize', scale=(64, 64)),
    dict(type='RandomFlip', prob=1.0),
    dict(type='RandomFlip', prob=1.0, direction='vertical'),
    dict(type='RandomCrop', crop_size=(32, 32)),
    dict(type='RandomCrop', crop_size=(33, 32)),
    dict(type='RandomRotate', prob=1.0, degree=(20, 21)),
    dict(type='ResizeToMultiple', size_divisor=32),
]


@pytest.mark.parametrize('behind', BEHIND)
@pytest.mark.parametrize('name', ['a.jpg', 'a.png'])
def test_what_loses_the_grid_behind_is_refused_with_the_remedy(
    jpeg: Callable, tmp_path, behind: dict, name: str
) -> None:
    """A PNG's table has the same step everywhere, so that it does not tell where the grid lies."""
    path = jpeg() if name == 'a.jpg' else tmp_path / name
    cv2.imwrite(str(tmp_path / 'a.png'), photograph(61, 45))
    set_random_seed(0)
    mask = np.zeros((61, 45), np.uint8)
    found = loaded(path, ARTIFACTS, behind, gt_seg_map=mask, seg_fields=['gt_seg_map'])
    with pytest.raises(ValueError, match=r'a\.(jpg|png) (was|has).*take Resize, RandomFlip, RandomCrop') as error:
        preprocessed(found)
    assert 'RandomGridCrop' in str(error.value)


@pytest.mark.parametrize('name', ['a.jpg', 'a.png'])
def test_colour_changes_behind_are_refused(jpeg: Callable, tmp_path: Path, name: str) -> None:
    path = jpeg() if name == 'a.jpg' else tmp_path / name
    cv2.imwrite(str(tmp_path / 'a.png'), photograph(61, 45))
    refused, unchanged = 0, 0
    for seed in range(12):
        set_random_seed(seed)
        before = loaded(path)
        after = TRANSFORMS.build(dict(type='PhotoMetricDistortion', saturation_range=(1, 1), hue_delta=0))
        after.saturation = after.hue = lambda image: image
        found = after(dict(before))
        if np.array_equal(found['img'], before['img']):
            unchanged += 1
            continue
        with pytest.raises(ValueError, match='colour changes'):
            preprocessed(found)
        refused += 1
    assert refused > 2 and refused + unchanged == 12


def test_the_preprocessor_names_what_is_missing(jpeg: Callable) -> None:
    with pytest.raises(ValueError, match='takes the 5 channels of LoadJPEGArtifacts, got 3: put it into'):
        preprocessed(loaded(jpeg(), dict(type='RandomFlip', prob=0.0)))
    for key in ('jpeg_table', 'pad_shape'):
        packed = TRANSFORMS.build(PACK)(loaded(jpeg()))
        delattr(packed['data_samples'], key)
        with pytest.raises(ValueError, match=f"left '{key}' out"):
            MODELS.build(dict(type='JPEGDataPreProcessor'))(
                dict(inputs=[packed['inputs']], data_samples=[packed['data_samples']])
            )
    for option in (dict(mean=[1] * 3, std=[1] * 3), dict(bgr_to_rgb=True)):
        with pytest.raises(ValueError, match='LoadJPEGArtifacts normalises'):
            MODELS.build(dict(type='JPEGDataPreProcessor', **option))


@pytest.mark.parametrize('orientation', [1, 3, 6])
def test_crops_on_the_grid_keep_pixels_coefficients_and_mask_together(jpeg: Callable, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = jpeg(93, 77, exif=exif)
    shape = cv2.imread(str(path)).shape[:2]
    mask = (np.arange(shape[0] * shape[1]).reshape(shape) % 2).astype(np.uint8)
    whole = loaded(path, ARTIFACTS, gt_seg_map=mask, seg_fields=['gt_seg_map'])
    corners = set()
    for seed in range(30):
        set_random_seed(seed)
        crop = TRANSFORMS.build(dict(type='RandomGridCrop', crop_size=(32, 48)))
        found = crop(dict(whole))
        assert found['img'].shape == (32, 48, 5) and found['img_shape'] == found['pad_shape'] == (32, 48)
        places = [
            (top, left)
            for top in range(0, whole['img'].shape[0] - 31, 8)
            for left in range(0, whole['img'].shape[1] - 47, 8)
            if np.array_equal(whole['img'][top : top + 32, left : left + 48], found['img'])
        ]
        assert len(places) == 1
        (top, left) = places[0]
        corners.add((top, left))
        assert np.array_equal(whole['gt_seg_map'][top : top + 32, left : left + 48], found['gt_seg_map'])
        assert preprocessed(found, training=True, size=(64, 64)).shape == (1, 5, 64, 64)
    assert len(corners) > 10


DAMAGED = {
    'truncated': 'cannot use the image',
    'arithmetic': 'arithmetic coding',
    'zero table': 'a step of 0',
    'lossless': 'cannot use the image',
}


@pytest.mark.parametrize('kind', DAMAGED)
def test_a_data_set_names_a_file_without_coefficients(jpeg: Callable, tmp_path: Path, dataset, kind: str) -> None:
    path = jpeg()
    content = path.read_bytes()
    frame, table = content.index(b'\xff\xc0'), content.index(b'\xff\xdb') + 5
    (tmp_path / 'images').mkdir()
    with jpeglib.version('turbo210'):
        jpeglib.from_spatial(photograph(32, 40)).write_spatial(str(tmp_path / 'ar.jpg'), flags=['+ARITH_CODE'])
    bad = {
        'truncated': content[: len(content) // 2],
        'arithmetic': (tmp_path / 'ar.jpg').read_bytes(),
        'zero table': content[:table] + b'\x00' * 64 + content[table + 64 :],
        'lossless': content[: frame + 1] + b'\xc3' + content[frame + 2 :],
    }[kind]
    (tmp_path / 'images' / 'bad.jpg').write_bytes(bad)
    images = dataset(
        [LOAD, ARTIFACTS, PACK], data_prefix=dict(img_path='images', seg_map_path=''), pristine_without_mask=True
    )
    with pytest.raises(ValueError, match=DAMAGED[kind]) as error:
        images[0]
    assert 'bad.jpg' in str(error.value)
