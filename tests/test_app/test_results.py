"""What the page keeps and shows of an image."""

import json
import math
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

pytest.importorskip('gradio', reason='needs the extra app')

from focal_mmseg.apis import Calibration, Prediction
from focal_mmseg.app.models import _threshold
from focal_mmseg.app.page import show_verdict, show_views
from focal_mmseg.app.results import COLOURS, MOST_RESULTS, Result, Results, assign_sources


@pytest.fixture
def result() -> Result:
    """Of 60 x 40 pixels; the score rises from left to right."""
    score = np.tile(np.linspace(0, 1, 60, dtype=np.float32), (40, 1))
    labels = np.zeros((4, 6), np.int64)
    labels[:, 4], labels[:, 5] = 1, 2
    embeddings = np.eye(3, dtype=np.float32)[labels].transpose(2, 0, 1)
    image = np.full((40, 60, 3), 90, np.uint8)
    summary = dict(image_score=0.25, forged_share=0.5, seconds=1.0)
    mask = (score > 0.5).astype(np.uint8) * 255
    prediction = Prediction(mask, score, summary, labels=labels, embeddings=embeddings, source=image)
    return Result('<b>a.png', 'focal_lite', prediction, threshold=0.125)


def decoded(content: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)


def test_the_mask_follows_the_operating_point(result: Result) -> None:
    np.testing.assert_array_equal(result.mask(0.5), result.prediction.mask)
    for point in (0.1, 0.8):
        mask = decoded(result.render('mask.png', point))
        np.testing.assert_array_equal(mask == 255, result.prediction.score > point)
        assert json.loads(result.render('result.json', point))['forged_share'] == pytest.approx(result.share(point))


def test_an_operating_point_stands_for_a_threshold_of_the_gate(result: Result) -> None:
    assert result.evidence(0.5) == 0.125
    evidence = 0.3
    score = evidence / (evidence + 0.125)
    assert result.evidence(score) == pytest.approx(evidence)


def test_sources_have_colours_where_the_mask_is(result: Result) -> None:
    view = decoded(result.render('clusters.jpg', 0.5)).astype(int)
    assert np.abs(view[20, 45] - COLOURS[0]).max() < 20 and np.abs(view[20, 57] - COLOURS[1]).max() < 20
    assert np.ptp(view[20, 10]) < 5


def test_pristine_points_are_of_the_nearest_other_cluster() -> None:
    angles = np.array([[0.0, 0.1, 1.4, 3.0]])
    points = np.stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    found = Prediction(np.zeros((1, 4), np.uint8), np.zeros((1, 4), np.float32), {}, embeddings=points)
    assert assign_sources(found).tolist() == [[1]]
    labelled = Prediction(found.mask, found.score, {}, labels=np.array([[0, 0, 1, 2]]), embeddings=points)
    assert assign_sources(labelled).tolist() == [[1, 1, 1, 2]]


def test_large_images_are_shown_smaller_and_downloaded_whole() -> None:
    image = np.zeros((3000, 2000, 3), np.uint8)
    found = Prediction(np.zeros((3000, 2000), np.uint8), np.zeros((3000, 2000), np.float32), {}, source=image)
    result = Result('large.png', 'focal_lite', found)
    assert decoded(result.render('image.jpg', 0.5)).shape == (1400, 933, 3)
    assert decoded(result.render('overlay.png', 0.5)).shape == (3000, 2000, 3)


def test_names_of_files_are_text_on_the_page(result: Result) -> None:
    shown = show_views('key', result, 0.5) + show_verdict('key', result, 0.5)
    assert '<b>a.png' not in shown and '&lt;b&gt;a.png' in shown
    assert 'results/key/mask.png?point=0.5' in shown


def test_the_verdict_names_the_level_that_the_model_is_calibrated_for(result: Result) -> None:
    assert 'calibrated' not in show_verdict('key', result, 0.5)
    result.prediction.summary['calibration'] = '5 % of pixels (of 124 <images>)'
    assert 'At 0.5 false alarms are calibrated for 5 % of pixels (of 124 &lt;images&gt;).' in show_verdict(
        'key', result, 0.7
    )


def test_a_calibration_moves_the_threshold_that_one_half_stands_for() -> None:
    gate = SimpleNamespace(decode_head=SimpleNamespace(gate=SimpleNamespace(threshold=0.2)))
    calibration = Calibration('pixels', 0.1, math.log(3), 50, 'conformal risk control', 'a', 'b')
    assert _threshold(SimpleNamespace(model=gate, calibration=None)) == 0.2
    assert _threshold(SimpleNamespace(model=gate, calibration=calibration)) == pytest.approx(0.6)
    assert _threshold(SimpleNamespace(model=SimpleNamespace(), calibration=calibration)) is None


def test_results_go_with_their_page_and_the_oldest_first(result: Result) -> None:
    results = Results()
    mine, other = results.add('mine', result), results.add('other', result)
    assert len({mine, other}) == 2 and len(mine) > 20
    results.forget('mine')
    assert results.get(mine) is None and results.get(other) is result
    for _ in range(MOST_RESULTS):
        results.add('more', result)
    assert results.get(other) is None and len(results) == MOST_RESULTS
