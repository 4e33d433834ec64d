"""One score an image."""

import numpy as np
import pytest

from focal_mmseg.evaluation.image_scores import IMAGE_SCORES


@pytest.mark.parametrize('name', IMAGE_SCORES)
def test_image_scores_are_between_none_and_all(name: str) -> None:
    score = IMAGE_SCORES[name]
    assert (score(np.zeros((9, 7))), score(np.ones((9, 7)))) == (0, 1)
    plane = np.zeros((20, 20))
    plane[:4, :5] = 0.8
    expected = {'max': 0.8, 'mean': 0.04, 'top1': 0.8, 'top10': 0.4, 'forged_share': 0.05}
    assert score(plane) == pytest.approx(expected[name])
