"""Degradations of test images: against direct calls of the library, the same for an image, and their place."""

import hashlib
import io
import itertools
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmseg.registry import TRANSFORMS
from PIL import Image

from focal_mmseg.datasets.degradations import KINDS, PRESETS, degrade_tests, insert_degradation, parse_degradation
from focal_mmseg.datasets.synthesis import load_packaged
from focal_mmseg.datasets.transforms import (
    DegradeByResize,
    GammaCorrection,
    GaussianBlur,
    GaussianNoise,
    ImageTransform,
    JPEGCompression,
    SimulatedSocialNetwork,
)

NAMES = ('jpeg:70', 'blur:5', 'blur-sigma:1.5', 'noise-sigma:5', 'noise-variance:9', 'gamma:0.7', 'resize:0.5')
ALL = (*NAMES, 'osn-simulated')


def bgr(photograph: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(photograph[..., ::-1])


def degraded(transform: ImageTransform, image: np.ndarray, name: str = 'splice/1') -> np.ndarray:
    return transform.transform(dict(img=image.copy(), image_name=name))['img']


def build(name: str, **options: object) -> ImageTransform:
    (transform,) = parse_degradation(name)
    return TRANSFORMS.build({**transform, **options})


def size_of(image: np.ndarray, quality: int) -> int:
    return len(cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


# --- against the libraries


@pytest.mark.parametrize('quality', (1, 50, 71, 95, 100))
@pytest.mark.parametrize(('chroma', 'subsampling'), [('4:4:4', 0), ('4:2:2', 1), ('4:2:0', 2)])
def test_jpeg_is_pillows_up_to_the_decoders(photograph, quality, chroma, subsampling) -> None:
    file = io.BytesIO()
    Image.fromarray(photograph).save(file, 'JPEG', quality=quality, subsampling=subsampling)
    theirs = cv2.imdecode(np.frombuffer(file.getvalue(), np.uint8), cv2.IMREAD_COLOR)
    ours = degraded(JPEGCompression(quality, chroma), bgr(photograph))
    # Two builds of libjpeg round colours their own way.
    assert np.abs(ours.astype(int) - theirs).mean() < 0.5


def test_jpeg_is_opencvs_with_its_defaults(photograph) -> None:
    file = cv2.imencode('.jpg', bgr(photograph), [cv2.IMWRITE_JPEG_QUALITY, 70])[1]
    np.testing.assert_array_equal(degraded(JPEGCompression(70), bgr(photograph)), cv2.imdecode(file, cv2.IMREAD_COLOR))


@pytest.mark.parametrize('kernel', (3, 5, 23))
def test_blur_by_kernel_is_opencvs(photograph, kernel) -> None:
    ours = degraded(GaussianBlur(kernel), photograph)
    np.testing.assert_array_equal(ours, cv2.GaussianBlur(photograph, (kernel, kernel), 0))
    by_both = degraded(GaussianBlur(kernel, sigma=0.3 * ((kernel - 1) / 2 - 1) + 0.8), photograph)
    # For kernels up to 7 OpenCV has tables in place of the formula.
    assert np.abs(ours.astype(int) - by_both).max() <= (2 if kernel <= 7 else 0)


def test_blur_by_sigma_is_opencvs(photograph) -> None:
    np.testing.assert_array_equal(
        degraded(GaussianBlur(sigma=1.7), photograph), cv2.GaussianBlur(photograph, (0, 0), 1.7)
    )


@pytest.mark.parametrize('sigma', (1.0, 3.0, 23.0))
def test_noise_has_the_deviation_or_the_variance_that_was_asked(sigma) -> None:
    grey = np.full((200, 300, 3), 128, np.uint8)
    by_sigma = degraded(GaussianNoise(sigma=sigma), grey)
    by_variance = degraded(GaussianNoise(variance=sigma**2), grey)
    np.testing.assert_array_equal(by_sigma, by_variance)
    noise = by_sigma.astype(float) - 128
    # Rounding adds a twelfth to the variance.
    assert noise.std() == pytest.approx(math.sqrt(sigma**2 + 1 / 12), rel=0.01)
    assert abs(noise.mean()) < 0.02 * sigma + 0.01
    channels = np.corrcoef(noise.reshape(-1, 3).T)
    assert np.abs(channels - np.eye(3)).max() < 0.02


@pytest.mark.parametrize('seed', [0, 3])
def test_noise_is_numpys_by_the_rule_of_its_seed(photograph, seed: int) -> None:
    digest = hashlib.sha256(b'GaussianNoise\nsplice/1').digest()
    rng = np.random.default_rng([seed, int.from_bytes(digest[:16], 'little')])
    direct = np.clip(np.rint(photograph + rng.normal(0, 7.0, photograph.shape)), 0, 255).astype(np.uint8)
    np.testing.assert_array_equal(degraded(GaussianNoise(sigma=7, seed=seed), photograph), direct)
    np.testing.assert_array_equal(degraded(GaussianNoise(variance=49, seed=seed), photograph), direct)
    assert (degraded(GaussianNoise(sigma=7, seed=seed), photograph, 'splice/2') != direct).any()


def test_noise_is_clipped_and_not_wrapped() -> None:
    for level in (0, 255):
        noisy = degraded(GaussianNoise(sigma=20), np.full((50, 50, 3), level, np.uint8)).astype(int)
        assert np.abs(noisy - level).max() < 120
        assert (noisy == level).mean() > 0.4


@pytest.mark.parametrize('gamma', (0.7, 1.0, 1.3))
def test_gamma_is_numpys_power(photograph, gamma) -> None:
    expected = np.rint(255 * np.power(photograph / 255, gamma)).astype(np.uint8)
    np.testing.assert_array_equal(degraded(GammaCorrection(gamma), photograph), expected)


@pytest.mark.parametrize('interpolation', ('nearest', 'bilinear', 'bicubic', 'area'))
def test_resize_is_opencvs(photograph, interpolation) -> None:
    way = dict(nearest=cv2.INTER_NEAREST, bilinear=cv2.INTER_LINEAR, bicubic=cv2.INTER_CUBIC, area=cv2.INTER_AREA)
    ours = degraded(DegradeByResize(0.5, interpolation), photograph)
    np.testing.assert_array_equal(ours, cv2.resize(photograph, (45, 30), interpolation=way[interpolation]))


def test_an_image_never_shrinks_to_nothing() -> None:
    assert degraded(DegradeByResize(0.01), np.zeros((1, 9, 3), np.uint8)).shape == (1, 1, 3)


# --- the simulation


def test_the_simulation_is_its_three_steps(photograph) -> None:
    image = bgr(photograph)
    ours = degraded(SimulatedSocialNetwork(longest=45, quality=(80, 80)), image)
    small = cv2.resize(image, (45, 30), interpolation=cv2.INTER_AREA).astype(np.float32)
    sharp = np.clip(np.rint(small + 0.2 * (small - cv2.GaussianBlur(small, (0, 0), 1))), 0, 255).astype(np.uint8)
    file = cv2.imencode('.jpg', sharp, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    np.testing.assert_array_equal(ours, cv2.imdecode(file, cv2.IMREAD_COLOR))


def test_the_simulation_resizes_only_above_its_limit() -> None:
    for width, expected in ((2048, 2048), (2049, 2048), (4096, 2048)):
        assert degraded(SimulatedSocialNetwork(), np.zeros((64, width, 3), np.uint8)).shape[1] == expected


def test_the_simulation_compresses_busy_images_more() -> None:
    smooth = cv2.GaussianBlur(load_packaged('chelsea')[:256, :256, ::-1], (0, 0), 2)
    busy = np.random.default_rng(0).integers(0, 256, smooth.shape, np.uint8)
    network = SimulatedSocialNetwork(enhancement=0)
    for image, quality in ((smooth, 95), (busy, 71)):
        direct = cv2.imdecode(cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
        np.testing.assert_array_equal(degraded(network, image), direct)


def test_the_simulation_takes_the_highest_quality_within_the_budget() -> None:
    image = np.ascontiguousarray(load_packaged('chelsea')[:256, :256, ::-1])
    bits = 1.5
    best = max(q for q in range(71, 96) if size_of(image, q) * 8 <= bits * 256 * 256)
    assert 71 < best < 95
    direct = cv2.imdecode(cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, best])[1], cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(degraded(SimulatedSocialNetwork(enhancement=0, bits=bits), image), direct)


# --- the same for an image


@pytest.mark.parametrize('name', ALL)
def test_an_image_is_degraded_alike_in_any_order_folder_and_process(photograph, name) -> None:
    first = degraded(build(name), photograph)
    again = build(name)
    degraded(again, photograph, 'another')
    np.random.seed(1)
    elsewhere = dict(img=photograph.copy(), image_name='splice/1', img_path='/elsewhere/images/splice/1.jpg')
    np.testing.assert_array_equal(again.transform(elsewhere)['img'], first)


def test_noise_differs_from_image_to_image_and_seed_to_seed(photograph) -> None:
    noisy = [
        degraded(GaussianNoise(sigma=5, seed=seed), photograph, name) for seed, name in itertools.product((0, 1), 'ab')
    ]
    for one, other in itertools.combinations(noisy, 2):
        assert (one != other).mean() > 0.5


def test_the_noise_of_an_image_is_the_same_tomorrow() -> None:
    noisy = degraded(GaussianNoise(sigma=5), np.full((2, 3, 3), 128, np.uint8))
    assert noisy.ravel()[:6].tolist() == [123, 137, 130, 124, 137, 125]


def test_an_image_outside_a_data_set_goes_by_its_files_name(photograph) -> None:
    paths = ('/a/1.png', '/b/1.png', '/a/2.png')
    one, same, other = (GaussianNoise(sigma=5).transform(dict(img=photograph, img_path=path))['img'] for path in paths)
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    GaussianNoise(sigma=5).transform(dict(img=photograph, img_path=None))


def test_without_a_seed_numpys_generator_decides(photograph) -> None:
    noise = GaussianNoise(sigma=5, seed=None)
    np.random.seed(3)
    first, second = degraded(noise, photograph), degraded(noise, photograph)
    np.random.seed(3)
    np.testing.assert_array_equal(degraded(noise, photograph), first)
    assert (first != second).any()


def test_of_a_range_each_whole_number_is_drawn() -> None:
    image = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    files = {degraded(JPEGCompression((50, 53)), image, str(n)).tobytes() for n in range(60)}
    assert files == {degraded(JPEGCompression(quality), image).tobytes() for quality in range(50, 54)}
    blurs = {degraded(GaussianBlur((3, 7)), image, str(n)).tobytes() for n in range(60)}
    assert blurs == {degraded(GaussianBlur(kernel), image).tobytes() for kernel in (3, 5, 7)}


@pytest.mark.parametrize('name', ALL)
def test_the_source_stays_and_grey_images_and_single_pixels_work(photograph, name) -> None:
    before = photograph.copy()
    results = build(name).transform(dict(img=photograph, image_name='1'))
    np.testing.assert_array_equal(photograph, before)
    assert results['img_shape'] == results['img'].shape[:2] and results['img'].dtype == np.uint8
    for shape in ((9, 7), (1, 1, 3), (1, 5, 3)):
        assert degraded(build(name), np.full(shape, 77, np.uint8)).ndim == len(shape)


@pytest.mark.parametrize('name', ALL)
def test_other_values_than_8_bits_are_refused(name) -> None:
    with pytest.raises(ValueError, match=r'8 bits, got float32.*right behind the loading'):
        degraded(build(name), np.zeros((8, 8, 3), np.float32))


@pytest.mark.parametrize(
    ('kind', 'options'),
    [
        (JPEGCompression, dict(quality=0)),
        (JPEGCompression, dict(quality=101)),
        (JPEGCompression, dict(quality=70.5)),
        (JPEGCompression, dict(quality=(80, 70))),
        (JPEGCompression, dict(quality=70, subsampling='4:1:1')),
        (GaussianBlur, dict()),
        (GaussianBlur, dict(kernel=4)),
        (GaussianBlur, dict(sigma=0)),
        (GaussianNoise, dict()),
        (GaussianNoise, dict(sigma=1, variance=1)),
        (GaussianNoise, dict(sigma=-1)),
        (GaussianNoise, dict(sigma=float('nan'))),
        (GaussianNoise, dict(sigma=True)),
        (GammaCorrection, dict(gamma=0)),
        (DegradeByResize, dict(factor=0)),
        (DegradeByResize, dict(factor=0.5, interpolation='lanczos')),
        (SimulatedSocialNetwork, dict(quality=(95, 71))),
        (SimulatedSocialNetwork, dict(bits=0)),
        (SimulatedSocialNetwork, dict(longest=0)),
    ],
)
def test_options_out_of_range_are_refused(kind, options) -> None:
    with pytest.raises(ValueError, match=r'must (be|go)|needs'):
        kind(**options)


# --- names and grids


def test_every_grid_is_of_known_degradations_and_begins_with_none() -> None:
    assert set(PRESETS) == {'focal', 'imdl-benco', 'safire', 'if-osn'}
    for names in PRESETS.values():
        assert names[0] == 'none' and len(set(names)) == len(names)
        for name in names[1:]:
            build(name)


def test_every_kind_is_of_a_grid_or_tested_here() -> None:
    named = {name.partition(':')[0] for name in (*itertools.chain(*PRESETS.values()), *ALL)}
    assert named | {'png'} == {'none', *KINDS}


def test_png_takes_the_image_out_of_its_jpeg_file_and_changes_no_pixel(photograph: np.ndarray) -> None:
    (config,) = parse_degradation('png')
    image = bgr(photograph)
    found = TRANSFORMS.build(config).transform(dict(img=image.copy(), image_name='a', jpeg=b'a file'))
    np.testing.assert_array_equal(found['img'], image)
    assert found['jpeg'] is None


def test_the_grids_say_which_noise_they_mean() -> None:
    assert parse_degradation('noise-variance:9') == [dict(type='GaussianNoise', variance=9.0)]
    assert 'noise-variance:9' in PRESETS['focal'] and 'noise-variance:23' in PRESETS['imdl-benco']
    assert 'noise-sigma:23' in PRESETS['safire'] and 'noise-sigma:1.5' in PRESETS['if-osn']


def test_degradations_follow_each_other() -> None:
    assert [each['type'] for each in parse_degradation('resize:0.5+jpeg:70')] == ['DegradeByResize', 'JPEGCompression']
    assert parse_degradation('none') == []


@pytest.mark.parametrize(
    'text', ('', 'jpg:70', 'jpeg', 'jpeg:', 'jpeg:70.5', 'gamma:x', 'osn-simulated:3', 'none+jpeg:70')
)
def test_other_names_are_refused_with_what_there_is(text) -> None:
    with pytest.raises(ValueError, match=r'there are none, jpeg|takes'):
        parse_degradation(text)


# --- their place


def types(pipeline: list[dict]) -> list[str]:
    return [transform['type'] for transform in pipeline]


def test_images_are_degraded_right_behind_the_loading(root: Path) -> None:
    cfg = Config.fromfile(root / 'configs' / 'demo' / 'focal_hrnet-compact.py')
    degrade_tests(cfg, 'jpeg:70')
    expected = ['LoadImageFromFile', 'JPEGCompression', 'Resize', 'NoiseResidual', 'LoadForgeryMask', 'PackSegInputs']
    assert types(cfg.test_dataloader.dataset.pipeline) == types(cfg.test_pipeline) == expected
    assert types(cfg.tta_pipeline) == ['LoadImageFromFile', 'JPEGCompression', 'TestTimeAug']
    assert 'JPEGCompression' not in str(cfg.train_dataloader)


def test_wrapped_data_sets_are_degraded_too() -> None:
    one = dict(type='ForgeryDataset', pipeline=[dict(type='mmcv.LoadImageFromFile')])
    several = dict(type='ConcatDataset', datasets=[one, dict(type='RepeatDataset', dataset=one)])
    cfg = Config(dict(test_dataloader=dict(dataset=several)))
    degrade_tests(cfg, 'blur:3')
    first, second = cfg.test_dataloader.dataset.datasets
    assert types(first.pipeline) == types(second.dataset.pipeline) == ['mmcv.LoadImageFromFile', 'GaussianBlur']


def test_a_pipeline_that_loads_nothing_cannot_be_degraded() -> None:
    with pytest.raises(ValueError, match='no LoadImageFromFile'):
        insert_degradation([dict(type='Resize', scale=(8, 8))], parse_degradation('blur:3'))


def test_no_degradation_leaves_any_config_alone() -> None:
    cfg = Config(dict(test_dataloader=dict(dataset=dict(pipeline=[dict(type='LoadSingleRSImageFromFile')]))))
    before = cfg.pretty_text
    degrade_tests(cfg, 'none')
    assert cfg.pretty_text == before


@pytest.mark.parametrize('name', ['resize:0.5', 'osn-simulated', 'noise-sigma:5'])
def test_the_mask_keeps_the_size_of_the_original(dataset, data_config, write, photograph, half_mask, name) -> None:
    write('images/1.png', photograph)
    write('masks/1.png', half_mask)
    pipeline = insert_degradation(data_config.test_pipeline, parse_degradation(name))
    sample = dataset(pipeline=pipeline)[0]
    assert sample['data_samples'].ori_shape == (60, 90)
    assert sample['inputs'].shape == (3, 24, 32)
    np.testing.assert_array_equal(sample['data_samples'].gt_sem_seg.data[0].numpy(), half_mask // 255)


# --- images that went through a real network


def test_a_mask_fits_an_image_that_was_resized_on_its_way(dataset, data_config, write, photograph, half_mask) -> None:
    write('images/1.jpg', cv2.resize(photograph, (61, 41)))
    write('masks/1.png', half_mask)
    with pytest.raises(ValueError, match=r'90x60 but its image .* is 61x41'):
        dataset()[0]
    pipeline = [
        dict(step, resize=True) if step.type == 'LoadForgeryMask' else step for step in data_config.test_pipeline
    ]
    truth = dataset(pipeline=pipeline)[0]['data_samples'].gt_sem_seg.data[0].numpy()
    assert truth.shape == (41, 61) and set(np.unique(truth)) == {0, 1}
    assert truth.mean() == pytest.approx(1 / 3, abs=0.01)


def test_a_mask_of_other_proportions_never_fits(dataset, data_config, write, photograph, half_mask) -> None:
    write('images/1.jpg', photograph[:, :45])
    write('masks/1.png', half_mask)
    pipeline = [
        dict(step, resize=True) if step.type == 'LoadForgeryMask' else step for step in data_config.test_pipeline
    ]
    with pytest.raises(ValueError, match='make them the same size'):
        dataset(pipeline=pipeline)[0]
