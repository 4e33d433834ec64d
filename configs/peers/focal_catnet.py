# CAT-Net's extractor under FOCAL's head: embeddings at 1/4, trained on crops on the JPEG's grid, tested at the image's
# own size. docs/guide/catnet.md tells how it starts from the released weights.
_base_ = ['../_base_/focal.py', '../_base_/models/catnet_extractor.py']
size = (512, 512)
model = dict(
    data_preprocessor=dict(_delete_=True, type='JPEGDataPreProcessor', size=size, seg_pad_val=255),
    backbone=dict(
        **_base_.catnet_extractor, init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://msra/hrnetv2_w48')
    ),
    decode_head=dict(in_channels=[48, 192, 384, 768]),
)
meta_keys = (*_base_.meta_keys, 'img_padding_size', 'jpeg_table')
pack = dict(type='PackSegInputs', meta_keys=meta_keys)
train_pipeline = [
    _base_.catnet_load,
    _base_.catnet_read_jpeg,
    dict(type='LoadForgeryMask'),
    dict(type='RandomGridCrop', crop_size=size),
    pack,
]
test_pipeline = [_base_.catnet_load, _base_.catnet_read_jpeg, dict(type='LoadForgeryMask'), pack]
tta_pipeline = None
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
