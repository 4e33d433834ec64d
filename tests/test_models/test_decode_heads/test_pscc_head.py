"""PSCC-Net's head: against a statement of its own, its loss, and what it refuses."""

from typing import Any

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from peer_pscc import pscc_heads
from PIL import Image
from torch import Tensor

from focal_mmseg.models import PSCCHead
from focal_mmseg.models.decode_heads.pscc_head import mask_at_scale

WIDTHS = (4, 6, 8, 10)
SIDE = 16


def build(**options: Any) -> PSCCHead:
    torch.manual_seed(0)
    head = MODELS.build(dict(type='PSCCHead', in_channels=WIDTHS, side=SIDE, **options))
    generator = torch.Generator().manual_seed(0)
    for name, value in head.state_dict().items():
        random = torch.randn(value.shape, generator=generator)
        if value.ndim > 1:
            value.copy_(random / value[0].numel() ** 0.5)
        elif name.endswith('running_var'):
            value.copy_(random.abs() + 0.5)
        elif value.is_floating_point() and 'gamma' not in name:
            value.copy_(0.5 + random / 10)
    return head.double().eval()


def maps(batch: int = 2, height: int = 21, width: int = 10) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    sides = [(-(-height // 2**scale), -(-width // 2**scale)) for scale in range(4)]
    return [
        torch.randn(batch, channels, *side, generator=generator, dtype=torch.float64)
        for channels, side in zip(WIDTHS, sides, strict=True)
    ]


def released_names(head: PSCCHead) -> dict[str, Tensor]:
    return {name.removeprefix('image_head.'): value for name, value in head.state_dict().items()}


def truths(*masks: Tensor) -> list[SegDataSample]:
    return [SegDataSample(gt_sem_seg=PixelData(data=mask[None])) for mask in masks]


@torch.no_grad()
def test_is_its_own_statement() -> None:
    head = build()
    found = head.findings(maps())
    masks, image = pscc_heads(maps(), released_names(head), SIDE)
    assert [each.shape[2:] for each in found.masks] == [(16, 16), (8, 8), (4, 4), (2, 2)]
    for ours, theirs in zip(found.masks, masks, strict=True):
        torch.testing.assert_close(ours.sigmoid(), theirs)
        assert theirs.std() > 0.01
    torch.testing.assert_close(found.image, image)
    score = head(maps()).softmax(1)[:, 1:]
    torch.testing.assert_close(score, masks[0].to(score), rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_the_channels_are_not_transposed_back_as_the_places_are() -> None:
    """What the weights were trained with; the other way is another function."""
    module = build().getmask1
    x = torch.randn(1, WIDTHS[0], SIDE, SIDE, dtype=torch.float64)
    _, channels = module._attended(x)
    flat = x.reshape(1, module.width, -1, 1)
    g, theta, phi = (layer(flat)[0, :, :, 0] for layer in (module.g, module.theta, module.phi))
    product = g.T @ (theta @ phi.T).softmax(1)
    torch.testing.assert_close(channels.flatten(), product.flatten())
    assert (channels.flatten() - product.T.flatten()).abs().max() > 0.1


@torch.no_grad()
def test_gives_probabilities_at_the_size_of_each_image() -> None:
    head = build()
    metas = [dict(ori_shape=(37, 11), img_shape=(20, 9))]
    logits, score = head.predict_with_image_score(maps(1), metas, dict(mode='whole'))
    assert torch.equal(head.predict(maps(1), metas, dict(mode='whole')), logits)
    masks, image = pscc_heads(maps(1), released_names(head), SIDE)
    wanted = torch.nn.functional.interpolate(masks[0], (37, 11), mode='bilinear', align_corners=True)
    torch.testing.assert_close(logits.softmax(1)[:, 1:].double(), wanted, rtol=1e-4, atol=1e-6)
    assert score == pytest.approx(image.softmax(1)[0, 1].item())


@torch.no_grad()
def test_without_a_detector_there_is_no_image_score() -> None:
    head = build(image_head=None, loss_image=None)
    assert head.predict_with_image_score(maps(1), [dict(ori_shape=(5, 5))], None)[1] is None
    assert set(head.loss(maps(), truths(*torch.zeros(2, 9, 9).long()), None)) == {'loss_mask'}


def test_the_loss_is_that_of_four_masks_and_the_image() -> None:
    head = build()
    masks = torch.zeros(2, SIDE, SIDE).long()
    masks[0, 3:12, 5:15] = 1
    losses = head.loss(maps(), truths(*masks), None)
    wanted = 0.0
    found, image = pscc_heads(maps(), released_names(head), SIDE)
    for each in found:
        target = mask_at_scale(masks[:, None], each.shape[-1])
        share = target.double().mean()
        weight = torch.where(target == 1, 0.5 / share, 0.5 / (1 - share))
        cost = torch.where(target == 1, -each.log(), -(1 - each).log())
        wanted += (weight * cost).mean()
    torch.testing.assert_close(losses['loss_mask'], wanted)
    weights = torch.tensor([4, 4 / 3], dtype=torch.float64)
    wanted = torch.nn.functional.cross_entropy(image, torch.tensor([1, 0]), weights)
    torch.testing.assert_close(losses['loss_image'], wanted)
    sum(losses.values()).backward()
    assert all(value.grad is not None and value.grad.isfinite().all() for value in head.parameters())


def test_half_precision_attends_in_single() -> None:
    head = build().float()
    large = [100 * each.float() for each in maps()]
    with torch.no_grad(), torch.autocast('cpu', torch.bfloat16):
        found = head.findings([each.bfloat16() for each in large])
    assert all(each.isfinite().all() and each.dtype == torch.float32 for each in found.masks)


@pytest.mark.parametrize('side', [8, 16, 32])
def test_a_mask_is_scaled_as_pillow_does(side: int) -> None:
    rng = np.random.default_rng(side)
    mask = np.kron(rng.random((16, 16)) < 0.4, np.ones((4, 4))).astype(np.uint8)
    wanted = np.asarray(Image.fromarray(mask.astype(np.float32)).resize((side, side), Image.Resampling.BICUBIC)) > 0.5
    found = mask_at_scale(torch.from_numpy(mask)[None, None].long(), side)
    np.testing.assert_array_equal(found[0, 0].numpy() == 1, wanted)
    assert 0.1 < wanted.mean() < 0.9


def test_ignored_pixels_stay_ignored_at_every_scale() -> None:
    mask = torch.zeros(1, 1, 32, 32).long()
    mask[..., :16] = 1
    mask[..., 16:, :] = 255
    for side in (32, 16, 8):
        found = mask_at_scale(mask, side)
        assert found.unique().tolist() == [0, 1, 255]
        assert (found[0, 0, side // 2 + 1 :] == 255).all() and (found[0, 0, : side // 2 - 1] != 255).all()


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (dict(in_channels=(4, 6, 8)), 'takes 4 maps'),
        (dict(side=20), 'side must be a multiple of 8'),
        (dict(side=0), 'side must be a multiple of 8'),
        (dict(image_head=None), 'set loss_image=None'),
    ],
)
def test_options_out_of_range_are_refused(options: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        MODELS.build({**dict(type='PSCCHead', in_channels=WIDTHS), **options})


@pytest.mark.parametrize(
    ('metas', 'mode', 'said'),
    [
        ([dict(ori_shape=(9, 9), img_padding_size=(0, 3, 0, 0))], 'whole', 'without padding'),
        ([dict(ori_shape=(9, 9), padding_size=[0, 0, 0, 1])], 'whole', 'without padding'),
        ([dict(ori_shape=(9, 9))] * 2, 'whole', r'one at a time in a test.*NativeSizeEncoderDecoder'),
        ([dict(ori_shape=(9, 9))], 'slide', "mode='slide'"),
    ],
)
def test_what_would_be_wrong_is_refused(metas: list[dict], mode: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build().predict(maps(len(metas)), metas, dict(mode=mode))
