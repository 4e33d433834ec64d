"""Images of a test at their own sizes, in one batch."""

import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from focal_mmseg.models import NativeSizeEncoderDecoder

SIZES = ((37, 52), (64, 64), (1, 9))


def small(name: str, preprocessor: str, **options: object) -> torch.nn.Module:
    cfg = ConfigDict(
        type=name,
        data_preprocessor=dict(type=preprocessor, mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True, **options),
        backbone=dict(type='ResNet', depth=18, num_stages=1, strides=(1,), dilations=(1,), out_indices=(0,)),
        decode_head=dict(
            type='FCNHead', in_channels=64, channels=8, in_index=0, num_convs=1, num_classes=2, out_channels=2
        ),
        test_cfg=dict(mode='whole'),
    )
    torch.manual_seed(0)
    model = MODELS.build(cfg)
    model.eval()
    return model


def batch(*sizes: tuple[int, int]) -> dict:
    chance = torch.Generator().manual_seed(1)
    images = [torch.randint(0, 256, (3, *size), generator=chance, dtype=torch.uint8) for size in sizes]
    metas = [dict(img_shape=size, ori_shape=size) for size in sizes]
    return dict(inputs=images, data_samples=[SegDataSample(metainfo=meta) for meta in metas])


def test_each_image_of_a_batch_gets_what_it_gets_alone() -> None:
    model = small('NativeSizeEncoderDecoder', 'NativeSizePreProcessor')
    plain = small('EncoderDecoder', 'SegDataPreProcessor')
    assert type(model) is NativeSizeEncoderDecoder and type(plain) is EncoderDecoder
    together = batch(*SIZES)
    with torch.no_grad():
        found = model.test_step(together)
        for number, (sample, size) in enumerate(zip(found, SIZES, strict=True)):
            alone = dict(inputs=[together['inputs'][number]], data_samples=[batch(*SIZES)['data_samples'][number]])
            (wanted,) = plain.test_step(alone)
            assert sample.seg_logits.shape == size
            torch.testing.assert_close(sample.seg_logits.data, wanted.seg_logits.data)


def test_without_data_samples_too() -> None:
    model = small('NativeSizeEncoderDecoder', 'NativeSizePreProcessor')
    with torch.no_grad():
        samples = model.test_step(dict(inputs=batch(*SIZES)['inputs']))
        stacked = model.predict(torch.zeros(2, 3, 16, 16))
    assert [sample.pred_sem_seg.shape for sample in samples] == list(SIZES)
    assert len(stacked) == 2


def test_a_training_pads_as_mmseg_does() -> None:
    model = small('NativeSizeEncoderDecoder', 'NativeSizePreProcessor', size=(64, 64))
    data = batch(*SIZES)
    for sample, size in zip(data['data_samples'], SIZES, strict=True):
        sample.gt_sem_seg = PixelData(data=torch.ones(1, *size, dtype=torch.long))
    prepared = model.data_preprocessor(data, training=True)
    assert prepared['inputs'].shape == (3, 3, 64, 64)
    assert int((prepared['data_samples'][2].gt_sem_seg.data == 255).sum()) == 64 * 64 - 9
    assert model.loss(**prepared)['decode.loss_ce'].isfinite()


def test_padding_of_a_test_is_each_images_own() -> None:
    model = small('NativeSizeEncoderDecoder', 'NativeSizePreProcessor', test_cfg=dict(size_divisor=8))
    prepared = model.data_preprocessor(batch(*SIZES))
    assert [tuple(image.shape[2:]) for image in prepared['inputs']] == [(40, 56), (64, 64), (8, 16)]
    padding = [sample.img_padding_size for sample in prepared['data_samples']]
    assert padding == [(0, 4, 0, 3), (0,) * 4, (0, 7, 0, 7)]


def test_a_heads_own_image_scores_land_at_their_images() -> None:
    model = small('NativeSizeEncoderDecoder', 'NativeSizePreProcessor')
    head = model.decode_head

    def judge(inputs: list, *rest: object) -> tuple[torch.Tensor, float | None]:
        width = inputs[0].shape[-1]
        return head.predict(inputs, *rest), None if width == 3 else width / 100

    with torch.no_grad():
        plain = model.test_step(batch(*SIZES))
        assert not any('image_score' in sample for sample in plain)
        head.predict_with_image_score = judge
        found = model.test_step(batch(*SIZES))
    assert [sample.get('image_score', None) for sample in found] == [0.13, 0.16, None]
    for one, other in zip(found, plain, strict=True):
        assert torch.equal(one.seg_logits.data, other.seg_logits.data)
