"""The training augmentation: masks in step with images, what each transform does, and the config of it all."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmengine.config import Config
from mmseg.registry import TRANSFORMS

from focal_mmseg.datasets.transforms import (
    BoxBlur,
    BrightnessContrast,
    Downscale,
    ElasticTransform,
    GaussianBlur,
    GaussianNoise,
    GeometryTransform,
    GridDistortion,
    ISONoise,
    MedianBlur,
    MotionBlur,
    PadIfNeeded,
    RandomD4,
    RandomScale,
    RandomToneCurve,
    Sharpen,
)
from focal_mmseg.datasets.transforms.geometry import MOVES

GEOMETRY = {
    'scale': lambda seed: RandomScale(seed=seed),
    'pad': lambda seed: PadIfNeeded((70, 90), seed=seed),
    'turn': lambda seed: RandomD4(seed=seed),
    'elastic': lambda seed: ElasticTransform(seed=seed),
    'grid': lambda seed: GridDistortion(seed=seed),
}
VALUES = (BoxBlur, MedianBlur, MotionBlur, BrightnessContrast, RandomToneCurve, Sharpen, Downscale, ISONoise)


def disc(height: int, width: int) -> np.ndarray:
    """A mask with a disc beside the middle: 0 and 1."""
    rows, columns = np.indices((height, width))
    radius = min(height, width) / 4
    return ((rows - 0.4 * height) ** 2 + (columns - 0.55 * width) ** 2 < radius**2).astype(np.uint8)


def apply(transform: GeometryTransform, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The image that shows the mask in black and white, and the mask, both after the transform."""
    results = dict(img=cv2.merge([mask * 255] * 3), gt_seg_map=mask, seg_fields=['gt_seg_map'], image_name='1')
    results = transform.transform(results)
    assert results['img_shape'] == results['img'].shape[:2]
    return results['img'][..., 0], results['gt_seg_map']


def strays(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Where the mask cannot be the nearest pixel of the image.

    Of four pixels that bilinear interpolation mixes, the nearest weighs a quarter or more. A little is left for the
    weights of OpenCV, which are rounded.
    """
    return ((image > 0.8 * 255) & (mask == 0)) | ((image < 0.2 * 255) & (mask == 1))


# --- masks in step


@pytest.mark.parametrize('name', GEOMETRY)
@given(seed=st.integers(0, 2**32 - 1), height=st.integers(24, 120), width=st.integers(24, 120))
def test_the_mask_goes_where_the_image_goes(name: str, seed: int, height: int, width: int) -> None:
    image, mask = apply(GEOMETRY[name](seed), disc(height, width))
    assert image.shape == mask.shape
    assert mask.dtype == np.uint8 and set(np.unique(mask)) <= {0, 1}
    assert not strays(image, mask).any()


@pytest.mark.parametrize('name', GEOMETRY)
def test_ignored_pixels_stay_ignored(name: str) -> None:
    labels = disc(60, 80)
    labels[:, 50:] = 255
    _, found = apply(GEOMETRY[name](3), labels)
    assert set(np.unique(found)) == {0, 1, 255}


@pytest.mark.parametrize('factor', (0.5, 0.7, 1.0))
def test_a_scaled_mask_has_no_offset(factor: float) -> None:
    image, mask = apply(RandomScale(factor), disc(100, 120))
    assert image.shape == (round(100 * factor), round(120 * factor))
    for axis in (0, 1):
        positions = np.arange(mask.shape[axis])
        centres = [
            (plane.sum(1 - axis) @ positions) / plane.sum() for plane in (image.astype(float), mask.astype(float))
        ]
        # At one half the nearest pixel is one of two, a quarter of a new pixel beside the middle.
        assert centres[0] == pytest.approx(centres[1], abs=0.26 if factor == 0.5 else 0.1)


@pytest.mark.parametrize('kind', VALUES)
def test_masks_stay_where_only_values_change(kind, photograph) -> None:
    mask = disc(60, 90)
    results = kind(seed=1).transform(dict(img=photograph.copy(), gt_seg_map=mask.copy(), seg_fields=['gt_seg_map']))
    np.testing.assert_array_equal(results['gt_seg_map'], mask)
    assert results['img'].shape == photograph.shape and results['img'].dtype == np.uint8


@pytest.mark.parametrize('name', GEOMETRY)
def test_a_mask_that_would_be_left_behind_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match='behind LoadForgeryMask'):
        GEOMETRY[name](0).transform(dict(img=np.zeros((9, 9, 3), np.uint8), seg_map_path='mask.png'))
    with pytest.raises(ValueError, match='gt_seg_map is of shape'):
        apply_to = dict(img=np.zeros((9, 9, 3), np.uint8), gt_seg_map=disc(8, 9), seg_fields=['gt_seg_map'])
        GEOMETRY[name](0).transform(apply_to)


# --- what each does


@pytest.mark.parametrize('shape', [(40, 50), (10, 300), (1, 1), (90, 70)])
def test_padding_is_all_around_and_no_more_than_needed(shape: tuple[int, int]) -> None:
    mask = disc(*shape)
    image, padded = apply(PadIfNeeded((70, 90)), mask)
    assert image.shape == (max(90, shape[0]), max(70, shape[1]))
    top, left = ((new - old) // 2 for new, old in zip(image.shape, shape, strict=True))
    np.testing.assert_array_equal(padded[top : top + shape[0], left : left + shape[1]], mask)
    expected = np.pad(
        mask, [(top, image.shape[0] - shape[0] - top), (left, image.shape[1] - shape[1] - left)], 'reflect'
    )
    np.testing.assert_array_equal(padded, expected)


def test_constant_padding_is_black_and_ignored() -> None:
    image, mask = apply(PadIfNeeded((60, 60), mode='constant'), disc(40, 60))
    assert (image[:10] == 0).all() and (mask[:10] == 255).all() and (mask[50:] == 255).all()
    assert set(np.unique(mask[10:50])) == {0, 1}


def test_each_move_is_numpys(photograph) -> None:
    expected = {
        'horizontal': [np.fliplr(photograph)],
        'vertical': [np.flipud(photograph)],
        'quarters': [np.rot90(photograph, turns) for turns in range(4)],
        'transpose': [photograph.transpose(1, 0, 2)],
    }
    for move in MOVES:
        found = {
            (image.shape, image.tobytes())
            for image in (
                RandomD4((move,), seed).transform(dict(img=photograph, image_name=''))['img'] for seed in range(40)
            )
        }
        assert found == {(image.shape, np.ascontiguousarray(image).tobytes()) for image in expected[move]}


def test_warps_without_strength_change_nothing(photograph) -> None:
    for warp in (ElasticTransform(alpha=0, affine=0), GridDistortion(limit=0)):
        warped = warp.transform(dict(img=photograph, image_name=''))['img']
        assert np.abs(warped.astype(int) - photograph).max() <= 1


def test_warps_move_pixels_by_a_few() -> None:
    columns = np.tile(np.arange(200, dtype=np.uint8), (200, 1))
    for warp, least, most in ((ElasticTransform(seed=1), 2, 20), (GridDistortion(seed=1), 5, 60)):
        way = np.abs(warp.transform(dict(img=cv2.merge([columns] * 3)))['img'][..., 0].astype(int) - columns)[
            40:160, 40:160
        ]
        assert least < way.max() < most


def test_blurs_are_opencvs(photograph) -> None:
    def blurred(blur) -> np.ndarray:
        return blur.transform(dict(img=photograph, image_name=''))['img']

    np.testing.assert_array_equal(blurred(BoxBlur(5)), cv2.blur(photograph, (5, 5)))
    np.testing.assert_array_equal(blurred(MedianBlur(5)), cv2.medianBlur(photograph, 5))


def test_motion_blur_keeps_the_mean_and_has_a_direction() -> None:
    dot = np.zeros((31, 31, 3), np.uint8)
    dot[15, 15] = 252
    shapes = set()
    for seed in range(20):
        blurred = MotionBlur(7, seed).transform(dict(img=dot))['img'][..., 0]
        assert blurred.sum() == pytest.approx(252, rel=0.05)
        assert 2 <= (blurred > 0).sum() <= 7
        shapes.add(blurred.tobytes())
    assert len(shapes) > 10


def test_tones_are_curves_of_the_grey_level(photograph) -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)

    def curve(transform) -> np.ndarray:
        return transform.transform(dict(img=ramp))['img'].ravel().astype(int)

    identity = np.arange(256)
    np.testing.assert_array_equal(curve(BrightnessContrast(1.0, 0.0)), identity)
    np.testing.assert_array_equal(curve(BrightnessContrast(1.2, 0.1)), np.clip(np.rint(identity * 1.2 + 25.5), 0, 255))
    assert np.abs(curve(RandomToneCurve(0)) - (3 * (1 - identity / 255) ** 2 * identity / 255 * 0.25 * 255)).max() > 0
    for seed in range(5):
        bent = curve(RandomToneCurve(0.1, seed))
        assert bent[0] == 0 and bent[255] == 255 and (np.diff(bent) >= 0).all()


def test_sharpening_keeps_flat_areas_and_raises_contrast(photograph) -> None:
    flat = np.full((9, 9, 3), 90, np.uint8)
    np.testing.assert_array_equal(Sharpen(0.4, 1.0).transform(dict(img=flat))['img'], flat)
    sharp = Sharpen(0.4, 1.0).transform(dict(img=photograph))['img']
    assert sharp.std() > photograph.std()


def test_lower_and_back_leaves_blocks(photograph) -> None:
    image = cv2.resize(photograph, (80, 40))
    blocks = Downscale(0.25).transform(dict(img=image))['img'].reshape(10, 4, 20, 4, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()


def test_sensor_noise_brightens_and_colours(photograph) -> None:
    noisy = ISONoise(0.05, 0.5).transform(dict(img=photograph))['img'].astype(int)
    assert noisy.mean() > photograph.mean()
    grey = np.full((50, 50, 3), 90, np.uint8)
    np.testing.assert_array_equal(ISONoise(0.05, 0.5).transform(dict(img=grey))['img'], grey)
    none = ISONoise(0.0, 0.0).transform(dict(img=photograph))['img'].astype(int)
    assert np.abs(none - photograph).max() <= 1
    with pytest.raises(ValueError, match='three channels'):
        ISONoise().transform(dict(img=grey[..., 0]))


@pytest.mark.parametrize(
    ('kind', 'options'),
    [
        (RandomScale, dict(factor=0)),
        (PadIfNeeded, dict(size=(0, 5))),
        (PadIfNeeded, dict(mode='edge')),
        (RandomD4, dict(moves=())),
        (RandomD4, dict(moves=('diagonal',))),
        (ElasticTransform, dict(sigma=0)),
        (GridDistortion, dict(cells=0)),
        (GridDistortion, dict(limit=2)),
        (BoxBlur, dict(kernel=4)),
        (MedianBlur, dict(kernel=1)),
        (BrightnessContrast, dict(brightness=2)),
        (RandomToneCurve, dict(scale=-1)),
        (Sharpen, dict(share=1.5)),
        (Downscale, dict(factor=0)),
        (ISONoise, dict(hue=-1)),
    ],
)
def test_options_out_of_range_are_refused(kind, options) -> None:
    with pytest.raises(ValueError, match='must be'):
        kind(**options)


# --- the config


@pytest.fixture(scope='module')
def augmentation(root: Path) -> dict:
    cfg = Config.fromfile(root / 'configs' / 'focal_hrnet_augmented.py')
    return cfg.train_dataloader.dataset.pipeline[2]


def inner(transform: dict) -> list[dict]:
    """A transform's config with those inside it."""
    nested = transform.get('transforms', [])
    flat = [each for item in nested for each in (item if isinstance(item, list) else [item])]
    return [transform, *(found for each in flat for found in inner(each))]


def test_the_augmentation_is_the_released_one(augmentation) -> None:
    assert augmentation.prob == 0.75
    scale, pad, moves, jpeg, last = augmentation.transforms
    assert [each.prob for each in (scale, moves, jpeg, last)] == [0.75, 0.75, 0.75, 0.25]
    assert pad.type == 'PadIfNeeded' and jpeg.transforms[0].quality == (50, 95)
    assert [len(family[0].transforms) for family in last.transforms[0].transforms] == [4, 7, 2]


def test_no_transform_of_the_training_is_the_same_at_every_pass(augmentation) -> None:
    for transform in inner(augmentation):
        built = TRANSFORMS.build(transform)
        assert getattr(built, 'seed', None) is None, transform


@given(seed=st.integers(0, 2**32 - 1), height=st.integers(30, 90), width=st.integers(30, 90))
def test_the_mask_is_in_step_with_the_whole_augmentation(augmentation, seed: int, height: int, width: int) -> None:
    small = [dict(each, size=(80, 80)) if each.type == 'PadIfNeeded' else each for each in augmentation.transforms]
    pipeline = TRANSFORMS.build(dict(augmentation, prob=1.0, transforms=small))
    np.random.seed(seed)
    mask = disc(height, width)
    image = cv2.merge([60 + mask * 140] * 3)
    results = pipeline(dict(img=image, gt_seg_map=mask, seg_fields=['gt_seg_map']))
    assert results['img'].shape[:2] == results['gt_seg_map'].shape
    assert set(np.unique(results['gt_seg_map'])) <= {0, 1}
    # Blurs, blocks and bent tones move the edge and the grey levels: the forged region is still the brighter one.
    core = cv2.erode(results['gt_seg_map'], np.ones((5, 5), np.uint8)) == 1
    around = cv2.erode(1 - results['gt_seg_map'], np.ones((5, 5), np.uint8)) == 1
    if core.any() and around.any():
        grey = results['img'].mean(2)
        assert np.median(grey[core]) > np.median(grey[around]) + 40


def test_the_augmented_configs_differ_from_theirs_by_the_augmentation_alone(root: Path, augmentation) -> None:
    for name in ('hrnet', 'vit'):
        plain = Config.fromfile(root / 'configs' / f'focal_{name}.py')
        augmented = Config.fromfile(root / 'configs' / f'focal_{name}_augmented.py')
        assert augmented.train_dataloader.dataset.pipeline[2] == augmentation
        for key in ('model', 'test_dataloader', 'val_dataloader', 'tta_pipeline', 'optim_wrapper', 'train_cfg'):
            assert augmented[key] == plain[key], key
        assert augmented.train_dataloader.sampler == plain.train_dataloader.sampler


def test_the_released_noise_is_a_variance(augmentation) -> None:
    (noise,) = (each for each in inner(augmentation) if each.type == 'GaussianNoise')
    assert noise.variance == (10.0, 50.0)
    assert isinstance(TRANSFORMS.build(noise), GaussianNoise)
    (blur,) = (each for each in inner(augmentation) if each.type == 'GaussianBlur')
    assert isinstance(TRANSFORMS.build(blur), GaussianBlur)
