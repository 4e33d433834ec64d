"""Images drawn anew."""

import numpy as np
import pytest

from focal_mmseg.evaluation import bootstrap


def test_every_draw_has_as_many_images_as_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, 'DRAWS_IN_MEMORY', 30)
    blocks = list(bootstrap.draw_blocks(9, 10, np.random.default_rng(0)))
    assert [len(block) for block in blocks] == [3, 3, 3, 1]
    draws = np.concatenate(blocks)
    assert draws.shape == (10, 9) and (draws.sum(1) == 9).all() and draws.min() == 0 and draws.max() > 1


def test_the_ends_leave_a_fortieth_on_each_side() -> None:
    assert bootstrap.percentile_interval(np.append(np.arange(101.0), np.nan)) == pytest.approx((2.5, 97.5))
    assert np.isnan(bootstrap.percentile_interval(np.array([np.nan]))).all()
