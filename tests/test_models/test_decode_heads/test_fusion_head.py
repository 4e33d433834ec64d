import math

import pytest
import torch
from mmseg.registry import MODELS
from torch import Tensor

from focal_mmseg.clustering import KMeansClusterer
from focal_mmseg.models import FOCALFusionHead
from focal_mmseg.models.decode_heads.fusion_head import fuse

SHAPES = ((3, 6, 9), (5, 3, 4), (2, 4, 11))


def make_maps() -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.nn.functional.normalize(torch.randn(shape, generator=generator), dim=0) for shape in SHAPES]


def bilinear(plane: Tensor, size: tuple[int, int]) -> Tensor:
    """Of (h, w), written out: centres of pixels at halves, the border continued."""
    out = torch.empty(size)
    for y in range(size[0]):
        for x in range(size[1]):
            at = []
            for side, cells, index in zip(plane.shape, size, (y, x), strict=True):
                place = min(max((index + 0.5) * side / cells - 0.5, 0), side - 1)
                low = math.floor(place)
                at.append((low, min(low + 1, side - 1), place - low))
            (top, bottom, down), (left, right, along) = at
            upper = plane[top, left] * (1 - along) + plane[top, right] * along
            lower = plane[bottom, left] * (1 - along) + plane[bottom, right] * along
            out[y, x] = upper * (1 - down) + lower * down
    return out


def test_maps_are_brought_to_one_size_normalised_weighted_and_concatenated() -> None:
    maps, weights = make_maps(), (1.0, 2.0, 0.5)
    parts = []
    for each, weight in zip(maps, weights, strict=True):
        resized = torch.stack([bilinear(plane, (6, 9)) for plane in each])
        parts.append(weight * resized / resized.square().sum(0).sqrt())
    fused = fuse(maps, weights, (6, 9))
    assert fused.shape == (10, 6, 9) and fused.dtype == torch.float32
    torch.testing.assert_close(fused, torch.cat(parts) / math.sqrt(1 + 4 + 0.25), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(fused.norm(dim=0), torch.ones(6, 9))


def test_nearest_takes_single_points_of_a_finer_map() -> None:
    coarse, fine = torch.randn(2, 3, 4), torch.randn(5, 12, 16)
    fused = fuse([coarse, fine], (1.0, 1.0), (3, 4), 'nearest')
    expected = torch.cat([coarse / coarse.norm(dim=0), fine[:, ::4, ::4] / fine[:, ::4, ::4].norm(dim=0)])
    torch.testing.assert_close(fused, expected / math.sqrt(2))


def test_cosines_are_the_means_of_the_members_cosines_by_squared_weights() -> None:
    first, second = make_maps()[0], make_maps()[0].flip(1)
    points = [each.flatten(1).T for each in (first, second, fuse([first, second], (1.0, 3.0), first.shape[1:]))]
    cosines = [each @ each.T for each in points]
    torch.testing.assert_close(cosines[2], 0.1 * cosines[0] + 0.9 * cosines[1])


def test_half_precision_is_fused_in_float32() -> None:
    assert fuse([each.half() for each in make_maps()], (1, 1, 1), (6, 9)).dtype == torch.float32


def test_each_map_is_clustered_alone() -> None:
    head = MODELS.build(dict(type='FOCALFusionHead', clusterer=dict(type='KMeansClusterer')))
    maps = make_maps()
    localised = head.localise(maps, [{}] * 3)
    for image, each in zip(maps, localised, strict=True):
        expected = KMeansClusterer().localise(image.flatten(1).T)
        assert each.score.shape == image.shape[1:] and each.found.grid == tuple(image.shape[1:])
        assert torch.equal(each.score.flatten(), expected.score)
        assert torch.equal(each.found.forged, expected.forged)


def test_an_image_that_cannot_be_clustered_is_named() -> None:
    maps = make_maps()[:1]
    maps[0][0, 0, 0] = float('nan')
    with pytest.raises(ValueError, match=r'a\.png: the embeddings hold NaN'):
        FOCALFusionHead().localise(maps, [dict(img_path='a.png')])


def test_the_gate_decides_for_each_map() -> None:
    gate = dict(type='EvidenceGate', threshold=0.2)
    head = FOCALFusionHead(dict(type='PristineCentreClusterer'), gate=gate)
    (each,) = head.localise(make_maps()[:1], [{}])
    assert each.found.gate_score is not None
    assert torch.equal(each.score.flatten() > 0.5, each.found.forged)
