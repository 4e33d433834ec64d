"""Two clusters of numbers, exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from focal_mmseg.noise import two_levels

NUMBERS = st.lists(st.floats(0, 100), min_size=1, max_size=40)


def test_it_is_kmeans() -> None:
    rng = np.random.default_rng(0)
    levels = np.concatenate([rng.normal(2, 1, 300), rng.normal(6, 1, 100)]).reshape(20, 20)
    found = two_levels(levels, trim=0)
    model = KMeans(2, n_init=10, random_state=0).fit(levels.reshape(-1, 1))
    assert sorted((found.pristine, found.forged)) == pytest.approx(sorted(model.cluster_centers_.ravel()))
    minority = np.bincount(model.labels_).argmin()
    np.testing.assert_array_equal(found.score > 0.5, (model.labels_ == minority).reshape(20, 20))


@pytest.mark.parametrize('forged', [8.0, 1.0])
def test_the_smaller_part_is_forged_whether_it_has_more_noise_or_less(forged: float) -> None:
    levels = np.full((10, 10), 4.0)
    levels[:3, :3] = forged
    found = two_levels(levels, trim=0.05)
    assert (found.pristine, found.forged) == (4, forged)
    np.testing.assert_array_equal(found.score > 0.5, levels == forged)
    assert found.score[0, 0] == pytest.approx(1 / (1 + np.exp(-4)))


def test_of_halves_the_noisier_is_forged() -> None:
    assert two_levels(np.array([1.0, 1, 5, 5])).score[2:].min() > 0.5


def test_one_level_is_no_forgery() -> None:
    found = two_levels(np.full((3, 4), 2.5))
    assert found.pristine == found.forged == 2.5 and not found.score.any()


def test_a_few_extreme_values_are_no_cluster() -> None:
    levels = np.array([1.0] * 60 + [3.0] * 38 + [500.0] * 2)
    assert two_levels(levels, trim=0.05).forged == pytest.approx(3)
    assert two_levels(levels).forged == pytest.approx(500)


def test_a_noisier_region_of_three_percent_is_found_unless_it_is_trimmed() -> None:
    rng = np.random.default_rng(0)
    levels, region = rng.normal(2, 0.3, (100, 100)), np.zeros((100, 100), bool)
    region[:17, :17] = True
    levels[region] += 4
    found = two_levels(levels).score > 0.5
    assert (found & region).sum() / (found | region).sum() > 0.95
    assert not np.array_equal(two_levels(levels, trim=0.05).score > 0.5, found)


@given(NUMBERS, st.sampled_from([0.0, 0.05, 0.5]))
def test_the_score_follows_the_level(levels: list[float], trim: float) -> None:
    levels = np.sort(np.array(levels))
    found = two_levels(levels, trim)
    assert found.score.shape == levels.shape and found.score.min() >= 0 and found.score.max() <= 1
    rising = np.diff(found.score)
    assert (rising >= 0).all() or (rising <= 0).all()


@pytest.mark.parametrize('levels', [[], [1.0, np.nan], [np.inf]])
def test_what_is_no_level_is_refused(levels: list[float]) -> None:
    with pytest.raises(ValueError, match='finite'):
        two_levels(np.array(levels))


def test_a_trim_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match='trim'):
        two_levels(np.ones(3), 1.0)
