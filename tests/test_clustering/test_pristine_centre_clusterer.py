from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from focal_mmseg.clustering import PristineCentreClusterer


def reference(points: np.ndarray, keep: float, rounds: int, seeds: float, iterations: int) -> np.ndarray:
    """The same in numpy, as the docstring says it."""

    def unit(group: np.ndarray) -> np.ndarray:
        return group.mean(0) / np.linalg.norm(group.mean(0))

    centre = unit(points)
    for _ in range(rounds):
        order = np.argsort(-(points @ centre), kind='stable')
        centre = unit(points[order[: int(np.ceil(keep * len(points)))]])
    order = np.argsort(points @ centre, kind='stable')
    other = unit(points[order[: max(3, int(seeds * len(points)))]])
    for _ in range(iterations):
        forged = points @ other > points @ centre
        other, centre = unit(points[forged]), unit(points[~forged])
    return forged.astype(int)


@pytest.mark.parametrize('options', [(0.7, 5, 0.02, 2), (0.9, 1, 0.1, 1), (1.0, 0, 0.02, 6)])
@pytest.mark.parametrize('spread', [0.1, 0.5])
def test_it_is_what_its_docstring_says(blobs: Callable[..., Tensor], options: tuple, spread: float) -> None:
    points = blobs([300, 60], spread=spread, seed=3)
    found = PristineCentreClusterer(*options).fit_predict(points)
    assert found.dtype == torch.int64
    assert found.tolist() == reference(points.double().numpy(), *options).tolist()


def test_a_forged_area_does_not_drag_the_pristine_centre(blobs: Callable[..., Tensor]) -> None:
    points = blobs([700, 250], spread=0.05)
    robust, mean = (PristineCentreClusterer(rounds=rounds).pristine_centre(points) for rounds in (5, 0))
    truth = points[:700].mean(0) / points[:700].mean(0).norm()
    assert robust @ truth > 0.9999 and mean @ truth < 0.97


@pytest.mark.parametrize('share', [0.03, 0.1, 0.4])
def test_two_groups_are_told_apart(blobs: Callable[..., Tensor], share: float) -> None:
    forged = round(500 * share)
    found = PristineCentreClusterer().localise(blobs([500 - forged, forged], spread=0.1))
    assert found.forged.tolist() == [False] * (500 - forged) + [True] * forged


@pytest.mark.parametrize('points', [torch.ones(1, 1), torch.ones(2, 1), torch.tensor([[0.6, 0.8]] * 50)])
def test_too_few_and_equal_points_are_one_cluster(points: Tensor) -> None:
    found = PristineCentreClusterer().localise(points)
    assert found.num_clusters == 1 and not found.forged.any()


def test_opposite_points_without_a_mean_do_not_fail() -> None:
    points = torch.tensor([[1.0, 0.0], [-1.0, 0.0]] * 20)
    assert set(PristineCentreClusterer().fit_predict(points).tolist()) <= {0, 1}


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        (dict(keep=0.5), 'keep'),
        (dict(keep=1.1), 'keep'),
        (dict(seeds=0), 'seeds'),
        (dict(seeds=0.6), 'seeds'),
        (dict(rounds=-1), 'rounds'),
        (dict(iterations=0), 'iterations'),
    ],
)
def test_options_out_of_range_are_refused(options: dict, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        PristineCentreClusterer(**options)
