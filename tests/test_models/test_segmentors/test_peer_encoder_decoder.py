"""Batches of several sizes, and the image score of a head."""

from typing import ClassVar

import pytest
import torch
from mmengine.config import ConfigDict
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from focal_mmseg.models import PeerEncoderDecoder


@MODELS.register_module(force=True)
class PassOn(nn.Module):
    """A backbone that gives what it gets."""

    def forward(self, x: Tensor) -> list[Tensor]:
        return [x]


@MODELS.register_module(force=True)
class MeanHead(BaseDecodeHead):
    """Scores by the image's own mean, as a network does whose answer hangs on the whole image."""

    batches: ClassVar[list[int]] = []

    def forward(self, inputs: list[Tensor]) -> Tensor:
        (x,) = inputs
        self.batches.append(len(x))
        if self.threshold is None:
            self.last_image_scores = x.mean((1, 2, 3)).div(255).tolist()
        return torch.cat([x[:, :1], x.mean((2, 3), keepdim=True)[:, :1].expand_as(x[:, :1])], 1)


@pytest.fixture
def model() -> PeerEncoderDecoder:
    MeanHead.batches.clear()
    head = dict(
        type='MeanHead', in_channels=[3], channels=3, num_classes=2, out_channels=2, in_index=[0],
        input_transform='multiple_select',
    )  # fmt: skip
    cfg = ConfigDict(
        type='PeerEncoderDecoder',
        data_preprocessor=dict(type='SegDataPreProcessor'),
        backbone=dict(type='PassOn'),
        decode_head=head,
        test_cfg=dict(mode='whole'),
    )
    return MODELS.build(cfg).eval()


def batch(*sizes: tuple[int, int], files: tuple[tuple[int, int], ...] = ()) -> dict:
    images = [torch.full((3, *size), float(number + 1)) for number, size in enumerate(sizes)]
    samples = [
        SegDataSample(metainfo=dict(ori_shape=file, img_shape=size))
        for size, file in zip(sizes, files or sizes, strict=True)
    ]
    return dict(inputs=images, data_samples=samples)


@pytest.mark.parametrize('step', ['test_step', 'val_step'])
def test_images_of_several_sizes_are_taken_one_by_one(model: PeerEncoderDecoder, step: str) -> None:
    found = getattr(model, step)(batch((4, 5), (7, 3), (4, 5)))
    assert MeanHead.batches == [1, 1, 1]
    assert [tuple(each.seg_logits.data.shape) for each in found] == [(2, 4, 5), (2, 7, 3), (2, 4, 5)]
    for number, each in enumerate(found, start=1):
        assert (each.seg_logits.data == number).all()
        assert each.image_score == pytest.approx(number / 255)


def test_one_size_is_one_batch_but_files_of_several_sizes_are_not(model: PeerEncoderDecoder) -> None:
    found = model.test_step(batch((4, 5), (4, 5)))
    assert MeanHead.batches == [2]
    assert [each.image_score for each in found] == pytest.approx([1 / 255, 2 / 255])
    found = model.test_step(batch((4, 4), (4, 4), files=((8, 8), (6, 2))))
    assert MeanHead.batches == [2, 1, 1]
    assert [tuple(each.pred_sem_seg.data.shape) for each in found] == [(1, 8, 8), (1, 6, 2)]


def test_a_head_without_image_scores_leaves_them_to_the_metric(model: PeerEncoderDecoder) -> None:
    model.decode_head.threshold = 0.5
    (found,) = model.test_step(batch((4, 5)))
    assert 'image_score' not in found


def test_scores_that_are_not_one_an_image_are_an_error(model: PeerEncoderDecoder) -> None:
    model.decode_head.threshold = 0.5
    model.decode_head.last_image_scores = [0.1]
    with pytest.raises(ValueError, match='zip'):
        model.test_step(batch((4, 5), (4, 5)))
