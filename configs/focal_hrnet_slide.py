# FOCAL (HRNet) on images as large as they are: trained on crops, tested by windows whose embeddings are stitched.
_base_ = './focal_hrnet.py'
model = dict(
    type='FOCALEncoderDecoder',
    test_cfg=dict(mode='slide', crop_size=(1024, 1024), stride=(768, 768)),
)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadForgeryMask'),
    dict(type='RandomCrop', crop_size=(1024, 1024)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs', meta_keys={{_base_.meta_keys}}),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadForgeryMask'),
    dict(type='PackSegInputs', meta_keys={{_base_.meta_keys}}),
]
# The views of --tta without the base's Resize.
tta_pipeline = [
    _base_.tta_pipeline[0],
    dict(type='TestTimeAug', transforms=_base_.tta_pipeline[1].transforms[1:]),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
