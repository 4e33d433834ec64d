# PSCC-Net as its authors released it: images at their own size, HRNet-W18-small-v2 at full resolution, four masks from
# coarse to fine, a detector. docs/guide/pscc.md has its weights, and what max_pixels costs in memory.
_base_ = ['../_base_/as_loaded.py', '../_base_/models/pscc_extractor.py']
model = dict(
    _delete_=True,
    type='NativeSizeEncoderDecoder',
    data_preprocessor=dict(
        type='NativeSizePreProcessor',
        mean=[0.0, 0.0, 0.0],
        std=[255.0, 255.0, 255.0],
        bgr_to_rgb=True,
    ),
    backbone={{_base_.pscc_extractor}},
    decode_head=dict(type='PSCCHead', in_channels=[18, 36, 72, 144]),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
load = dict(
    type='LoadImageFromFile',
    color_type='color_ignore_orientation',
    backend_args=dict(backend='any_image', transparent='white'),
)
limit = dict(type='LimitPixels', max_pixels=2**21)
test_pipeline = [load, limit, *_base_.test_pipeline[1:]]
tta_pipeline = [load, dict(type='TestTimeAug', transforms=[[limit], *_base_.tta_pipeline[1].transforms])]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
