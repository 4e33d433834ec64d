"""Edge maps of a test."""

import torch
from mmengine.config import ConfigDict
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample


def small(**options: object) -> torch.nn.Module:
    head = dict(type='FCNHead', in_channels=64, channels=8, in_index=0, num_convs=1, num_classes=2, out_channels=2)
    cfg = ConfigDict(
        type='EdgeEncoderDecoder',
        data_preprocessor=dict(type='NativeSizePreProcessor'),
        backbone=dict(type='ResNet', depth=18, num_stages=1, strides=(1,), dilations=(1,), out_indices=(0,)),
        decode_head=head,
        test_cfg=dict(mode='whole'),
        **options,
    )
    torch.manual_seed(0)
    if options:
        cfg.auxiliary_head = head
    model = MODELS.build(cfg)
    model.eval()
    return model


@torch.no_grad()
def test_each_image_gets_its_edges_turned_as_its_mask() -> None:
    model = small(auxiliary_head=True)
    image = torch.randint(0, 256, (3, 32, 40), dtype=torch.uint8)
    meta = dict(img_shape=(32, 40), ori_shape=(45, 60))

    def found(**flip: object) -> SegDataSample:
        sample = SegDataSample(metainfo={**meta, **flip})
        return model.test_step(dict(inputs=[image], data_samples=[sample]))[0]

    edge = found().edge.data
    assert edge.shape == (1, 45, 60) and float(edge.min()) >= 0 and float(edge.max()) <= 1
    logits = model.auxiliary_head(model.extract_feat(image[None].float()))
    wanted = torch.nn.functional.interpolate(logits.softmax(1)[:, 1:], size=(45, 60), mode='bilinear')[0]
    torch.testing.assert_close(edge, wanted)
    for direction, axis in (('horizontal', 2), ('vertical', 1)):
        flipped = found(flip=True, flip_direction=direction)
        torch.testing.assert_close(flipped.edge.data, edge.flip(axis))
        # mmseg turns before it resizes.
        torch.testing.assert_close(flipped.seg_logits.data, found().seg_logits.data.flip(axis), atol=1e-3, rtol=0)


@torch.no_grad()
def test_without_an_edge_branch_there_is_no_edge_map() -> None:
    (sample,) = small().test_step(dict(inputs=[torch.zeros(3, 16, 16, dtype=torch.uint8)]))
    assert 'edge' not in sample and sample.pred_sem_seg.shape == (16, 16)
