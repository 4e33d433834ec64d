"""MVSS-Net's two heads: losses, sizes, scores."""

import math

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models import MVSSHead, SobelEdgeHead
from focal_mmseg.models.decode_heads.sobel_edge_head import SobelGate

WIDTHS = (4, 6, 8, 8)


def head(**options: object) -> MVSSHead:
    init_default_scope('mmseg')
    torch.manual_seed(0)
    return MVSSHead(
        in_channels=[8, 8],
        in_index=(3, 4),
        input_transform='resize_concat',
        channels=8,
        pam_channels=2,
        norm_cfg=dict(type='BN'),
        loss_decode=dict(type='ForgeryDiceLoss', eps=0.0, loss_weight=0.16),
        image_loss=dict(type='ForgedImageLoss', least_pixels=1, forged_share=0.5, loss_weight=0.04),
        **options,
    )


def edge_head(**options: object) -> SobelEdgeHead:
    init_default_scope('mmseg')
    torch.manual_seed(0)
    return SobelEdgeHead(WIDTHS, loss_decode=dict(type='ForgeryDiceLoss', eps=0.0), **options)


def samples(masks: Tensor, edges: Tensor | None = None) -> list[SegDataSample]:
    found = [SegDataSample(gt_sem_seg=PixelData(data=mask[None])) for mask in masks]
    for sample, edge in zip(found, () if edges is None else edges, strict=edges is not None):
        sample.gt_edge_map = PixelData(data=edge[None])
    return found


def dice(score: Tensor, truth: Tensor) -> Tensor:
    return 1 - 2 * (score * truth).sum() / (score.square().sum() + truth.square().sum())


def test_dice_of_the_forged_images_and_cross_entropy_of_the_highest_score_of_all() -> None:
    logits = torch.randn(3, 1, 32, 48)
    masks = torch.zeros(3, 32, 48, dtype=torch.long)
    masks[0, 4:20, 10:30] = 1
    masks[2, 0, 0] = 1
    masks[1, :8] = 255
    logits[1, 0, 0, 0] = 50.0  # ignored
    found = head().loss_by_feat(torch.cat([torch.zeros_like(logits), logits], 1), samples(masks))
    score = logits.sigmoid()[:, 0]
    wanted = (dice(score[0], (masks[0] == 1).float()) + dice(score[2], (masks[2] == 1).float())) / 2
    torch.testing.assert_close(found['loss_dice'], 0.16 * wanted)
    highest = torch.stack([score[0].max(), score[1, 8:].max(), score[2].max()])
    image = F.binary_cross_entropy(highest, torch.tensor([1.0, 0.0, 1.0]))
    torch.testing.assert_close(found['loss_image'], 0.04 * image, rtol=1e-4, atol=1e-5)


def test_pristine_and_ignored_images_alone_keep_the_graph() -> None:
    for label in (0, 255):
        logits = torch.randn(2, 2, 16, 16, requires_grad=True)
        masks = torch.full((2, 16, 16), label)
        found = head().loss_by_feat(logits, samples(masks))
        assert float(found['loss_dice'].detach()) == 0
        sum(found.values()).backward()
        assert bool(logits.grad.isfinite().all()) and bool(logits.grad.any()) == (label == 0)


@pytest.mark.parametrize('eight_bit', [True, False])
def test_scores_and_not_logits_are_resized(eight_bit: bool) -> None:
    network, logit = head(eight_bit=eight_bit), 4 * torch.randn(1, 1, 32, 48)
    logits = torch.cat([torch.zeros_like(logit), logit], 1)
    found = network.predict_by_feat(logits, [dict(ori_shape=(45, 37), img_shape=(32, 48))]).softmax(1)[0, 1]
    score = logit.sigmoid()[0, 0].numpy()
    if eight_bit:
        wanted = cv2.resize((score * 255).astype(np.uint8), (37, 45), interpolation=cv2.INTER_LINEAR) / 255
    else:
        wanted = cv2.resize(score, (37, 45), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-5)
    network.forward = lambda inputs: logits
    assert network.predict_with_image_score([], [dict(ori_shape=(45, 37))], None)[1] == pytest.approx(
        wanted.max(), abs=1e-5
    )


# --- edges


def maps(height: int = 32, width: int = 48) -> list[Tensor]:
    strides = (4, 8, 16, 16)
    return [torch.rand(2, each, height // by, width // by) for each, by in zip(WIDTHS, strides, strict=True)]


def test_the_gate_is_the_filter_of_every_channel() -> None:
    gate, features = SobelGate(0.0).eval(), torch.rand(1, 5, 6, 7)
    with torch.no_grad():
        for norm in (gate.norm_x, gate.norm_y):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 1.5)
    sobel = np.array([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])
    padded = F.pad(features, (1, 1, 1, 1))[0].double().numpy()
    strengths = []
    for kernel, norm in ((sobel, gate.norm_x), (sobel.T, gate.norm_y)):
        found = sum(
            (padded[channel, y : y + 6, x : x + 7] * kernel[y, x])
            for channel in range(5)
            for y in range(3)
            for x in range(3)
        )
        strengths.append((found - float(norm.running_mean)) / math.sqrt(float(norm.running_var) + 1e-5))
    wanted = features[0].numpy() / (1 + np.exp(-np.hypot(*strengths)))
    np.testing.assert_allclose(gate(features)[0].detach().numpy(), wanted, rtol=1e-5)


def test_a_point_is_an_edge_if_one_of_its_pixels_is_and_pristine_images_do_not_count() -> None:
    network = edge_head().eval()
    masks = torch.zeros(2, 32, 48, dtype=torch.long)
    masks[1, 8:20, 8:30] = 1
    edges = torch.zeros(2, 32, 48, dtype=torch.long)
    edges[1, 8, 8:30] = 1
    edges[1, 21, 3] = 1
    edges[1, 31] = 255  # padding
    edges[0, 5, 5] = 1
    logits = torch.randn(2, 2, 8, 12)
    (found,) = network.loss_by_feat(logits, samples(masks, edges)).values()
    truth = torch.zeros(8, 12)
    truth[2, 2:8] = 1
    truth[5, 0] = 1
    torch.testing.assert_close(found, dice(logits.softmax(1)[1, 1], truth))


def test_the_root_has_a_gradient_at_nothing_with_eps_alone() -> None:
    for eps in (0.0, 1e-8):
        gate, features = SobelGate(eps).eval(), torch.zeros(1, 2, 4, 4, requires_grad=True)
        (gate(features) * 1.0).sum().backward()
        assert bool(gate.norm_x.weight.grad.isfinite().all()) == (eps > 0)


def test_every_part_of_the_edge_branch_learns() -> None:
    network = edge_head(eps=1e-8)
    masks = torch.zeros(2, 32, 48, dtype=torch.long)
    masks[:, 8:20, 8:30] = 1
    with torch.no_grad():
        for block in (*network.levels, *network.steps):
            block.reduce.weight.abs_()
            block.reduce.bias.fill_(1.0)
    sum(network.loss(maps(), samples(masks, masks), None).values()).backward()
    assert all(value.grad is not None and value.grad.isfinite().all() for value in network.parameters())


def test_a_training_without_edges_and_a_wrong_number_of_maps_are_named() -> None:
    masks = torch.ones(2, 32, 48, dtype=torch.long)
    with pytest.raises(ValueError, match='GenerateEdge'):
        edge_head().loss(maps(), samples(masks), None)
    with pytest.raises(ValueError, match='four maps'):
        SobelEdgeHead((4, 6, 8))
    with pytest.raises(ValueError, match='eps of at least 0'):
        edge_head(eps=-1.0)
