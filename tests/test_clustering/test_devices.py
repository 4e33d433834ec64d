"""What runs on a processor runs on a GPU, with the same result; skipped where there is none."""

import numpy as np
import pytest
import torch
from mmseg.registry import TASK_UTILS
from sklearn.metrics import adjusted_rand_score
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.clustering.spanning_tree import mutual_reachability_tree

DEVICES = pytest.mark.parametrize(
    'device',
    [
        'cpu',
        pytest.param('cuda', marks=pytest.mark.skipif(not torch.cuda.is_available(), reason='there is no CUDA device')),
    ],
)
NAMES = ('HDBSCANClusterer', 'KMeansClusterer', 'BisectingKMeansClusterer', 'BIRCHClusterer', 'HierarchicalClusterer')


def two_groups(count: int = 600, width: int = 32, spread: float = 0.5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    centres = torch.eye(width)[(torch.arange(count) < count // 4).long()]
    return F.normalize(centres + spread / width**0.5 * torch.randn(count, width, generator=generator), dim=1)


@DEVICES
@pytest.mark.parametrize('name', NAMES)
def test_labels_and_scores_are_on_the_device_of_the_embeddings(name: str, device: str) -> None:
    found = TASK_UTILS.build(dict(type=name)).localise(two_groups().to(device), (20, 30))
    assert found.forged.device.type == found.score.device.type == device
    assert found.forged.tolist() == [True] * 150 + [False] * 450


@DEVICES
@pytest.mark.parametrize('spread', [1.0, 1e-6])
def test_the_tree_is_that_of_the_processor(device: str, spread: float) -> None:
    points = two_groups(spread=spread)
    here, there = mutual_reachability_tree(points, 5), mutual_reachability_tree(points.to(device), 5)
    np.testing.assert_allclose(there[:, 2], here[:, 2], rtol=1e-9)


@DEVICES
def test_a_precision_lowered_by_the_user_changes_nothing(device: str) -> None:
    points, before = two_groups(), torch.get_float32_matmul_precision()
    exact = mutual_reachability_tree(points, 5)
    torch.set_float32_matmul_precision('medium')
    try:
        lowered = mutual_reachability_tree(points.to(device), 5)
    finally:
        torch.set_float32_matmul_precision(before)
    np.testing.assert_allclose(lowered[:, 2], exact[:, 2], rtol=1e-9)


@DEVICES
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize('name', NAMES)
def test_every_precision_and_layout_is_clustered(name: str, dtype: torch.dtype, device: str) -> None:
    maps = two_groups().to(device, dtype).T.contiguous()
    found = TASK_UTILS.build(dict(type=name)).localise(maps.T, (30, 20))
    assert adjusted_rand_score(found.forged.cpu(), [True] * 150 + [False] * 450) == 1.0
