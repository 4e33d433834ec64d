# CAT-Net as its authors released it, v1 and v2 alike: the pixels and the luma coefficients of the JPEG file, at the
# image's own size. docs/guide/catnet.md has its weights. Coefficients cannot be flipped, so that there is no --tta.
_base_ = ['../_base_/as_loaded.py', '../_base_/models/catnet_extractor.py']
model = dict(
    _delete_=True,
    type='NativeSizeEncoderDecoder',
    data_preprocessor=dict(type='NativeSizeJPEGPreProcessor', seg_pad_val=255),
    backbone={{_base_.catnet_extractor}},
    decode_head=dict(
        type='CATNetHead',
        in_channels=[48, 192, 384, 768],
        loss_decode=dict(type='CrossEntropyLoss', class_weight=[0.5, 2.5]),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
meta_keys = (*_base_.meta_keys, 'img_padding_size', 'jpeg_table')
pack = dict(type='PackSegInputs', meta_keys=meta_keys)
test_pipeline = [_base_.catnet_load, _base_.catnet_read_jpeg, dict(type='LoadForgeryMask'), pack]
tta_pipeline = None
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
