"""Thresholds from pristine images: against their definitions, and whether the levels hold."""

import json
import math
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from scipy.stats import binom

from focal_mmseg.apis import Calibration, FOCALInferencer
from focal_mmseg.apis.calibration import (
    NO_CALIBRATION,
    STEPS,
    PristineMargins,
    compute_margin,
    find_calibration,
    fingerprint,
    images_needed,
    score_to_logit,
)
from focal_mmseg.weights import find_config, resolve_checkpoint, shipped, shipped_calibration

MODEL = dict(weights='a', config='b')
# Of the binomial bounds: a right level fails one run in a hundred thousand.
SURE = 1e-5


def noted(images: np.ndarray) -> PristineMargins:
    """Of images (N, P)."""
    margins = PristineMargins()
    for image in images:
        margins.add(image.reshape(1, -1))
    return margins


def sample_of(margin: torch.Tensor) -> SegDataSample:
    logits = torch.stack([torch.zeros_like(margin), margin])
    return SegDataSample(seg_logits=PixelData(data=logits), pred_sem_seg=PixelData(data=(margin > 0).long()[None]))


def made_images(rng: np.random.Generator, number: int, pixels: int = 24) -> np.ndarray:
    """Margins of pristine images that differ a lot from each other, as real ones do."""
    return rng.normal(-2, 1.5, (number, 1)) + rng.gumbel(0, 1, (number, pixels))


@pytest.mark.parametrize(('level', 'needed'), [(0.5, 1), (0.1, 9), (0.05, 19), (0.02, 49), (0.01, 99), (0.3, 3)])
def test_how_many_images_a_level_needs(level: float, needed: int) -> None:
    assert images_needed(level) == needed
    images = np.zeros((needed, 4))
    for of in ('pixels', 'images'):
        assert noted(images).threshold(level, of) == pytest.approx(0, abs=1 / STEPS)
        with pytest.raises(ValueError, match=f'needs at least {needed} pristine images, got {needed - 1}'):
            noted(images[:-1]).threshold(level, of)


@given(st.integers(0, 10_000), st.integers(20, 60), st.sampled_from([0.05, 0.1, 0.3]))
@settings(max_examples=60)
def test_of_pixels_it_is_the_lowest_step_whose_risk_is_controlled(seed: int, number: int, level: float) -> None:
    images = made_images(np.random.default_rng(seed), number)
    found = noted(images).threshold(level, 'pixels')

    def bound(threshold: float) -> float:
        risks = [(image > threshold).mean() for image in images]
        return (sum(risks) + 1) / (number + 1)

    assert bound(found) <= level + 1e-9
    assert bound(found - 1 / STEPS) > level - 1e-9


@given(st.integers(0, 10_000), st.integers(19, 60), st.sampled_from([0.05, 0.1, 0.3]))
@settings(max_examples=60)
def test_of_images_it_is_the_conformal_quantile_of_the_highest(seed: int, number: int, level: float) -> None:
    images = made_images(np.random.default_rng(seed), number)
    highest = np.sort(images.max(1))
    assert noted(images).threshold(level, 'images') == highest[math.ceil(round((number + 1) * (1 - level), 9)) - 1]


@pytest.mark.parametrize('number', [19, 39])
def test_the_level_of_images_holds_over_many_calibrations(number: int) -> None:
    rng, level, runs = np.random.default_rng(number), 0.05, 1000
    flagged = sum(
        made_images(rng, 1).max() > noted(made_images(rng, number)).threshold(level, 'images') for _ in range(runs)
    )
    # Each calibration meets one new image: independent draws of at most the level.
    assert flagged <= binom.isf(SURE, runs, level)
    assert flagged >= binom.ppf(SURE, runs, level - 1 / (number + 1))


@pytest.mark.parametrize('number', [19, 39])
def test_the_level_of_pixels_holds_over_many_calibrations(number: int) -> None:
    rng, level, runs = np.random.default_rng(number), 0.1, 1000
    # One pixel of one new image a calibration: its chance to be flagged is the mean share, and draws are independent.
    flagged = sum(
        made_images(rng, 1, 1).item() > noted(made_images(rng, number)).threshold(level, 'pixels') for _ in range(runs)
    )
    assert flagged <= binom.isf(SURE, runs, level)
    assert flagged >= binom.ppf(SURE, runs, max(0, level - 2 / (number + 1)))


def test_without_the_correction_the_level_of_images_would_not_hold() -> None:
    """The test above can fail: the plain quantile of 19 images misses the level by far."""
    rng, runs = np.random.default_rng(0), 1000
    flagged = sum(made_images(rng, 1).max() > np.quantile(made_images(rng, 19).max(1), 0.95) for _ in range(runs))
    assert flagged > binom.isf(SURE, runs, 0.05)


def test_pixels_beyond_the_steps_are_kept_apart_from_none() -> None:
    margins = noted(np.full((30, 4), 1000.0))
    assert margins.threshold(0.1, 'images') == 1000
    assert margins.false_alarms()[-2] == 1 and margins.false_alarms()[-1] == 0


def test_an_image_with_nan_is_refused() -> None:
    with pytest.raises(ValueError, match='NaN'):
        PristineMargins().add(np.array([[0.0, np.nan]]))


@pytest.mark.parametrize('level', [0, 1, -0.1, 5, float('nan')])
def test_a_level_that_is_none_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match=r'must be in \(0, 1\)'):
        noted(np.zeros((30, 4))).threshold(level, 'pixels')


@given(st.integers(0, 1000), st.floats(-20, 20))
@settings(max_examples=50)
def test_a_calibrated_prediction_is_cut_at_the_margin(seed: int, threshold: float) -> None:
    margin = torch.randn(5, 7, generator=torch.Generator().manual_seed(seed)) * 8
    found = Calibration('pixels', 0.1, threshold, 50, 'conformal risk control', **MODEL).apply(sample_of(margin))
    wanted = margin > torch.tensor(threshold)
    assert torch.equal(found.pred_sem_seg.data[0] == 1, wanted)
    assert torch.equal(found.seg_logits.data.argmax(0) == 1, wanted)
    torch.testing.assert_close(compute_margin(found), margin - threshold, rtol=1e-4, atol=1e-4)


def test_a_calibration_is_written_and_read(tmp_path: Path) -> None:
    margins = noted(made_images(np.random.default_rng(0), 40))
    found = Calibration.from_margins(margins, 0.05, 'images', MODEL)
    found.write(tmp_path / 'calibration.json')
    assert Calibration.read(tmp_path / 'calibration.json') == found
    assert str(found) == '5 % of images (split conformal prediction, 40 pristine images)'
    assert found.score == pytest.approx(1 / (1 + math.exp(-found.margin)))


@pytest.mark.parametrize(
    'change',
    [
        dict(level=2),
        dict(level='0.05'),
        dict(of='people'),
        dict(images=3),
        dict(margin=float('nan')),
        dict(weights=None),
        dict(image_margin=float('inf')),
        dict(image_margin='0.3'),
        dict(surplus=1),
    ],
    ids=str,
)
def test_a_file_that_is_no_calibration_is_refused(tmp_path: Path, change: dict) -> None:
    found = Calibration('images', 0.05, 0.3, 40, 'split conformal prediction', **MODEL)
    found.write(tmp_path / 'calibration.json')
    content = json.loads((tmp_path / 'calibration.json').read_text())
    (tmp_path / 'calibration.json').write_text(json.dumps(content | change))
    with pytest.raises(ValueError, match='is no calibration'):
        Calibration.read(tmp_path / 'calibration.json')


@pytest.mark.parametrize('content', ['', '[]', '{}', 'null', '{"of": 1'])
def test_a_damaged_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / 'calibration.json').write_text(content)
    with pytest.raises(ValueError, match='is no calibration'):
        Calibration.read(tmp_path / 'calibration.json')
    with pytest.raises(FileNotFoundError, match='does not exist'):
        Calibration.read(tmp_path / 'nowhere.json')


def test_the_fingerprint_changes_with_what_scores_depend_on_alone(trained: tuple[Path, Path], tmp_path: Path) -> None:
    own = fingerprint(*trained)
    for same in ({'work_dir': 'x'}, {'model.backbone.init_cfg': None}, {'train_dataloader.batch_size': 7}):
        assert fingerprint(*trained, same) == own
    other = fingerprint(*trained, {'model.decode_head.clusterer.type': 'KMeansClusterer'})
    assert other['config'] != own['config'] and other['weights'] == own['weights']
    changed = tmp_path / 'changed.pth'
    changed.write_bytes(trained[1].read_bytes() + b'.')
    assert fingerprint(trained[0], changed)['weights'] != own['weights']
    assert fingerprint(trained[0], changed)['config'] == own['config']


def test_a_calibrated_inferencer_cuts_at_the_margin_and_says_so(
    trained: tuple[Path, Path], image_path: Path, tmp_path: Path
) -> None:
    margin = FOCALInferencer(*trained, device='cpu').margin(image_path)
    assert margin.shape == (90, 150) and margin.dtype == np.float32
    middle = float(np.quantile(margin, 0.9))
    found = Calibration('pixels', 0.1, middle, 50, 'conformal risk control', **fingerprint(*trained))
    found.write(tmp_path / 'calibration.json')
    prediction = FOCALInferencer(*trained, device='cpu', calibration=tmp_path / 'calibration.json')(image_path)
    np.testing.assert_array_equal(prediction.mask == 255, margin > np.float32(middle))
    assert 0.05 < (prediction.mask == 255).mean() <= 0.1
    assert prediction.summary['calibration'] == str(found)


def test_the_calibration_of_another_model_is_refused(trained: tuple[Path, Path], tmp_path: Path) -> None:
    own = Calibration('pixels', 0.1, 0.0, 50, 'conformal risk control', **fingerprint(*trained))
    own.write(tmp_path / 'calibration.json')
    options = {'model.decode_head.clusterer.type': 'KMeansClusterer'}
    with pytest.raises(ValueError, match='is of other config'):
        FOCALInferencer(*trained, device='cpu', cfg_options=options, calibration=tmp_path / 'calibration.json')


def test_what_a_model_predicts_is_calibrated_and_nothing_else() -> None:
    """By the hook on the model, which a runner's test goes through."""
    calls = []

    class Model(torch.nn.Module):
        def forward(self, inputs: object, data_samples: object = None, mode: str = 'tensor') -> object:
            calls.append(mode)
            return [sample_of(torch.ones(2, 3)), sample_of(torch.full((2, 3), 3.0))] if mode == 'predict' else mode

    model = Model()
    Calibration('pixels', 0.1, 2.0, 50, 'conformal risk control', **MODEL).attach(model)
    for found in (model(None, mode='predict'), model(None, None, 'predict')):
        assert [bool(each.pred_sem_seg.data.any()) for each in found] == [False, True]
    assert model(None) == 'tensor' and calls == ['predict', 'predict', 'tensor']


@given(st.floats(0, 1), st.floats(0, 1), st.floats(-10, 10))
@settings(max_examples=100)
def test_image_scores_keep_their_order_and_cross_one_half_at_the_threshold(
    one: float, other: float, threshold: float
) -> None:
    found = Calibration('images', 0.1, 0.0, 50, 'split conformal prediction', **MODEL, image_margin=threshold)
    first, second = found.image_score(one), found.image_score(other)
    assert 0 <= first <= 1
    assert (first <= second) if one <= other else (first >= second)
    if abs(score_to_logit(one) - threshold) > 1e-9:
        assert (first > 0.5) == (score_to_logit(one) > threshold)


@pytest.mark.parametrize('of', ['pixels', 'images'])
def test_the_level_of_image_scores_holds_whatever_the_level_is_of(of: str) -> None:
    rng, level, runs, number = np.random.default_rng(5), 0.1, 1000, 29
    above = 0
    for _ in range(runs):
        margins = PristineMargins()
        for score in rng.beta(1, 5, number):
            margins.add(rng.normal(-2, 1, (1, 8)), float(score))
        found = Calibration.from_margins(margins, level, of, MODEL)
        above += found.image_score(float(rng.beta(1, 5))) > 0.5
    assert binom.ppf(SURE, runs, level - 1 / (number + 1)) <= above <= binom.isf(SURE, runs, level)


def test_a_calibrated_sample_has_a_calibrated_image_score() -> None:
    found = Calibration('pixels', 0.1, 2.0, 50, 'conformal risk control', **MODEL, image_margin=score_to_logit(0.8))
    sample = sample_of(torch.zeros(2, 3))
    sample.set_field(0.8, 'image_score')
    assert found.apply(sample).image_score == pytest.approx(0.5)
    assert 'image_score' not in found.apply(sample_of(torch.zeros(2, 3)))


def test_without_image_scores_of_all_images_none_is_calibrated(tmp_path: Path) -> None:
    margins = noted(np.zeros((30, 4)))
    found = Calibration.from_margins(margins, 0.1, 'images', MODEL)
    assert found.image_margin is None and found.image_threshold is None and found.image_score(0.3) == 0.3
    margins.add(np.zeros((1, 4)), 0.5)
    assert Calibration.from_margins(margins, 0.1, 'images', MODEL).image_margin is None
    # A file of version 0.2 knows of no image scores.
    found.write(tmp_path / 'calibration.json')
    content = json.loads((tmp_path / 'calibration.json').read_text())
    del content['image_margin']
    (tmp_path / 'calibration.json').write_text(json.dumps(content))
    assert Calibration.read(tmp_path / 'calibration.json') == found


def test_the_level_that_other_images_meet() -> None:
    margins, others = PristineMargins(), PristineMargins()
    for number in range(30):
        margins.add(np.array([[0.0, number / 30]]), number / 30)
    for highest in (-1.0, 0.5, 5.0, 6.0):
        others.add(np.array([[-8.0, highest]]), 1 / (1 + math.exp(-highest)))
    of_images = Calibration.from_margins(margins, 0.1, 'images', MODEL)
    assert of_images.margin == pytest.approx(27 / 30)
    assert of_images.measure_false_alarms(others) == 0.5 and of_images.measure_image_false_alarms(others) == 0.5
    of_pixels = Calibration.from_margins(margins, 0.2, 'pixels', MODEL)
    assert of_pixels.measure_false_alarms(others) == np.mean([0, of_pixels.margin < 0.5, 1, 1]) / 2
    assert of_pixels.measure_image_false_alarms(noted(np.zeros((3, 4)))) is None


def test_an_inferencer_calibrates_the_image_score(trained: tuple[Path, Path], image_path: Path, tmp_path: Path) -> None:
    margin, score = FOCALInferencer(*trained, device='cpu').margin_and_image_score(image_path)
    model = fingerprint(*trained)
    found = Calibration(
        'pixels', 0.1, 0.0, 50, 'conformal risk control', **model, image_margin=score_to_logit(score) - 1
    )
    found.write(tmp_path / 'calibration.json')
    focal = FOCALInferencer(*trained, device='cpu', calibration=tmp_path / 'calibration.json')
    assert margin.shape == (90, 150)
    assert focal(image_path).summary['image_score'] == pytest.approx(1 / (1 + math.exp(-1)), abs=1e-5)


@pytest.mark.parametrize('name', shipped())
def test_a_network_that_ships_has_a_calibration_that_agrees_with_its_config(name: str) -> None:
    """After a change of the weights or of the config calibrate anew, as the model card says."""
    checkpoint = f'focal_mmseg://{name}'
    found = Calibration.read(shipped_calibration(checkpoint))
    found.require_model(fingerprint(find_config(name), checkpoint), name)
    assert found.of == 'pixels' and found.level == 0.05 and found.image_margin is not None
    # Mmseg's own tools know no calibrations: the threshold of the config has to be the same, to the step.
    assert abs(found.margin) <= 1 / STEPS


def test_the_network_that_ships_is_calibrated_unless_told_otherwise(image_path: Path) -> None:
    focal, raw = FOCALInferencer(device='cpu'), FOCALInferencer(device='cpu', calibration=NO_CALIBRATION)
    assert focal.calibration == Calibration.read(shipped_calibration('focal_mmseg://focal_lite'))
    assert raw.calibration is None
    found, plain = focal(image_path), raw(image_path)
    assert found.summary['calibration'] == str(focal.calibration) and 'calibration' not in plain.summary
    np.testing.assert_array_equal(found.mask, plain.mask)
    expected = focal.calibration.image_score(plain.summary['image_score'])
    assert found.summary['image_score'] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    'options',
    [
        {'model.decode_head.gate': None},
        {'model.decode_head.gate.threshold': 0.1},
        {'model.decode_head.clusterer.type': 'HDBSCANClusterer'},
        {'model.test_cfg.mode': 'whole'},
    ],
    ids=str,
)
def test_the_calibration_that_ships_is_of_its_own_gate_and_clusterer_alone(options: dict) -> None:
    config, checkpoint = find_config('focal_lite'), 'focal_mmseg://focal_lite'
    with pytest.warns(UserWarning, match=r'ships with focal_lite is not used: it is of other config\. So the level'):
        assert find_calibration(None, config, checkpoint, options) is None
    with pytest.raises(ValueError, match='is of other config'):
        find_calibration(shipped_calibration(checkpoint), config, checkpoint, options)


def test_the_calibration_that_ships_is_not_for_other_weights(tmp_path: Path, trained: tuple[Path, Path]) -> None:
    config, own = find_config('focal_lite'), resolve_checkpoint('focal_mmseg://focal_lite')
    assert find_calibration(None, config, own) == find_calibration(None, 'focal_lite', 'focal_mmseg://focal_lite')
    assert find_calibration(None, config, own) is not None
    changed = tmp_path / 'changed.pth'
    changed.write_bytes(own.read_bytes() + b'.')
    with pytest.warns(UserWarning, match='ships with focal_lite is not used: it is of other weights'):
        assert find_calibration(None, config, changed) is None
    with pytest.warns(UserWarning, match='ships with focal_lite is not used: views are averaged'):
        assert find_calibration(None, config, own, unfit='views are averaged') is None
    assert find_calibration(None, *trained) is None
