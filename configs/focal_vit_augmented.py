# focal_vit.py with the training augmentation of the authors' released code.
_base_ = ['./focal_vit.py', './_base_/augmentation.py']
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadForgeryMask'),
    {{_base_.augmentation}},
    dict(type='Resize', scale={{_base_.scale}}, keep_ratio=False),
    dict(type='PackSegInputs', meta_keys={{_base_.meta_keys}}),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
