# The demo with the released code's augmentation; docs/notes/robustness.md has the command and what came of it.
_base_ = ['./focal_hrnet-compact.py', '../_base_/augmentation.py']
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadForgeryMask'),
    {{_base_.augmentation}},
    dict(type='Resize', scale={{_base_.scale}}, keep_ratio=False),
    dict(type='NoiseResidual'),
    dict(type='PackSegInputs', meta_keys={{_base_.meta_keys}}),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
