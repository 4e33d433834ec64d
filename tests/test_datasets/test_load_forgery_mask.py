"""LoadForgeryMask and read_forgery_mask: mask files of every make become 0 and 1, or an error with the remedy."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmseg.registry import TRANSFORMS
from PIL import Image

from focal_mmseg.datasets import LoadForgeryMask
from focal_mmseg.datasets.transforms.loading import read_forgery_mask

FORGED = np.zeros((12, 20), bool)
FORGED[2:8, 3:11] = True


@pytest.fixture
def mask_file(tmp_path: Path):
    """Writes an array, a Pillow image or bytes as a mask file and gives its path."""

    def write(content: np.ndarray | Image.Image | bytes, name: str = 'mask.png', **options: object) -> str:
        path = tmp_path / name
        if isinstance(content, Image.Image):
            content.save(path, **options)
        else:
            path.write_bytes(content if isinstance(content, bytes) else cv2.imencode(path.suffix, content)[1].tobytes())
        return str(path)

    return write


def in_colours(forged: tuple[int, ...], pristine: tuple[int, ...] = (0, 0, 0)) -> Image.Image:
    """A mask of two RGB or RGBA colours."""
    colours = np.array([pristine, forged], np.uint8)
    return Image.fromarray(colours[FORGED.astype(int)])


@pytest.mark.parametrize('ending', ('.png', '.bmp', '.tif', '.webp'))
@pytest.mark.parametrize('white', (255, 128, 1))
def test_any_two_values_are_black_and_white(mask_file, ending, white) -> None:
    found = read_forgery_mask(mask_file(FORGED.astype(np.uint8) * white, f'mask{ending}'))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, FORGED)


@pytest.mark.parametrize('ending', ('.png', '.tif'))
@pytest.mark.parametrize('white', (1, 255, 40000, 65535))
@pytest.mark.parametrize('channels', (1, 3))
def test_a_mask_of_16_bits_may_use_any_range(mask_file, ending, white, channels) -> None:
    values = np.dstack([FORGED.astype(np.uint16) * np.uint16(white)] * channels)
    np.testing.assert_array_equal(read_forgery_mask(mask_file(values, f'mask{ending}')), FORGED)


@pytest.mark.parametrize('kind', ('PNG', 'TIFF', 'BMP'))
def test_a_mask_of_one_bit_is_read(mask_file, kind) -> None:
    image = Image.fromarray(FORGED)
    assert image.mode == '1'
    np.testing.assert_array_equal(read_forgery_mask(mask_file(image, f'mask.{kind.lower()}')), FORGED)


def test_a_palette_of_black_and_white_is_read(mask_file) -> None:
    image = Image.fromarray(FORGED.astype(np.uint8), 'P')
    image.putpalette([0, 0, 0, 255, 255, 255])
    np.testing.assert_array_equal(read_forgery_mask(mask_file(image)), FORGED)


@pytest.mark.parametrize('quality', (30, 75, 95))
def test_noise_of_jpeg_compression_does_not_reach_the_mask(mask_file, quality) -> None:
    forged = np.kron(FORGED, np.ones((9, 9), bool))
    image = Image.fromarray(forged.astype(np.uint8) * 255)
    path = mask_file(image, 'mask.jpg', quality=quality)
    assert len(np.unique(cv2.imread(path, cv2.IMREAD_GRAYSCALE))) > 2
    np.testing.assert_array_equal(read_forgery_mask(path), forged)


@pytest.mark.parametrize('forged_is', ('white', 'black'))
@pytest.mark.parametrize('white', (1, 255))
def test_black_may_be_the_forged_colour(mask_file, forged_is, white) -> None:
    found = read_forgery_mask(mask_file(FORGED.astype(np.uint8) * white), forged_is)
    np.testing.assert_array_equal(found, FORGED if forged_is == 'white' else ~FORGED)


@pytest.mark.parametrize(('value', 'forged_is', 'share'), ((0, 'white', 0), (0, 'black', 1), (255, 'white', 1)))
def test_a_mask_of_one_colour_is_all_of_one_class(mask_file, value, forged_is, share) -> None:
    assert read_forgery_mask(mask_file(np.full((5, 7), value, np.uint8)), forged_is).mean() == share


@pytest.mark.parametrize('labels', (75, 2, 127))
@pytest.mark.parametrize('forged_is', ('white', 'black'))
def test_labels_below_the_threshold_are_refused_with_the_option(mask_file, labels, forged_is) -> None:
    values = np.linspace(0, labels, FORGED.size).astype(np.uint8).reshape(FORGED.shape)
    path = mask_file(values)
    with pytest.raises(ValueError, match=rf'{path} has values up to {labels}, none above mask_threshold=127.*set mask'):
        read_forgery_mask(path, forged_is)


def test_16_bit_labels_below_the_threshold_are_refused_too(mask_file) -> None:
    with pytest.raises(ValueError, match=r'values up to 300, none above mask_threshold=127 \(times 257, for its 16'):
        read_forgery_mask(mask_file(FORGED.astype(np.uint16) * np.uint16(300)))


def test_a_threshold_chooses_which_labels_are_forged(mask_file) -> None:
    values = np.arange(76, dtype=np.uint8).reshape(4, 19)
    np.testing.assert_array_equal(read_forgery_mask(mask_file(values), threshold=70), values > 70)


@pytest.mark.parametrize('colour', ((255, 255, 255), (255, 255, 0), (0, 255, 0)))
def test_bright_colours_are_white(mask_file, colour) -> None:
    np.testing.assert_array_equal(read_forgery_mask(mask_file(in_colours(colour))), FORGED)


@pytest.mark.parametrize('colour', ((255, 0, 0), (128, 0, 0), (0, 0, 255)))
def test_dark_colours_are_refused_until_the_threshold_is_set(mask_file, colour) -> None:
    path = mask_file(in_colours(colour))
    with pytest.raises(ValueError, match='of colours, set mask_threshold'):
        read_forgery_mask(path)
    np.testing.assert_array_equal(read_forgery_mask(path, threshold=10), FORGED)


def test_an_opaque_alpha_channel_changes_nothing(mask_file) -> None:
    path = mask_file(in_colours((255, 255, 255, 255), (0, 0, 0, 255)))
    np.testing.assert_array_equal(read_forgery_mask(path), FORGED)


@pytest.mark.parametrize('pristine', ((0, 0, 0, 0), (255, 255, 255, 0)))
def test_a_mask_that_lies_in_the_transparency_is_refused(mask_file, pristine) -> None:
    with pytest.raises(ValueError, match=r'mask\.png is partly transparent: save it without transparency'):
        read_forgery_mask(mask_file(in_colours((255, 255, 255, 255), pristine)))


@pytest.mark.parametrize('kind', (np.float32, np.int32))
def test_a_mask_of_32_bits_is_refused(mask_file, kind) -> None:
    path = mask_file(Image.fromarray(FORGED.astype(kind)), 'mask.tif')
    with pytest.raises(ValueError, match=rf'mask\.tif has {np.dtype(kind)} values: save it with 8 bits'):
        read_forgery_mask(path)


@pytest.mark.parametrize('content', (b'', b'no image', b'\x89PNG\r\n\x1a\n'), ids=('empty', 'text', 'header alone'))
def test_a_file_that_is_no_image_is_named(mask_file, content) -> None:
    with pytest.raises(ValueError, match=r'mask\.png cannot be read: it is no image, or truncated'):
        read_forgery_mask(mask_file(content))


@pytest.mark.parametrize('kind', ('PNG', 'JPEG'))
def test_a_truncated_file_is_named(mask_file, photograph, kind) -> None:
    buffer = io.BytesIO()
    Image.fromarray(photograph).save(buffer, kind)
    with pytest.raises(ValueError, match=r'mask\.png cannot be read'):
        read_forgery_mask(mask_file(buffer.getvalue()[: buffer.tell() // 2]))


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r'gone\.png'):
        read_forgery_mask(str(tmp_path / 'gone.png'))


# --- the transform


def results(path: str | None, shape: tuple[int, int] = FORGED.shape) -> dict:
    return dict(img_path='1.jpg', ori_shape=shape, seg_map_path=path, forged_is='white', mask_threshold=127)


def test_the_transform_is_registered_and_adds_the_mask(mask_file) -> None:
    transform = TRANSFORMS.build(dict(type='LoadForgeryMask'))
    found = transform(results(mask_file(FORGED.astype(np.uint8) * 255)))
    np.testing.assert_array_equal(found['gt_seg_map'], FORGED)
    assert found['seg_fields'] == ['gt_seg_map']


def test_without_a_mask_path_the_image_is_for_inference_and_passes_unchanged() -> None:
    given = dict(img_path='1.jpg', ori_shape=(3, 4))
    assert LoadForgeryMask()(dict(given)) == given


def test_an_empty_mask_path_is_a_pristine_image() -> None:
    found = LoadForgeryMask()(results(None, (3, 4)))['gt_seg_map']
    assert found.shape == (3, 4)
    assert found.dtype == np.uint8
    assert not found.any()


def test_a_mask_of_another_size_is_refused(mask_file) -> None:
    path = mask_file(FORGED.astype(np.uint8) * 255)
    with pytest.raises(ValueError, match=rf'{path} is 20x12 but its image 1\.jpg is 21x12: make them the same size'):
        LoadForgeryMask()(results(path, (12, 21)))
