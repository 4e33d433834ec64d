# PSCC-Net trained as its authors did: images squashed to 256x256, turned and mirrored, batches of 10, 25 rounds of
# 100,000 images. Forged and pristine images come in equal parts, so that the detector's classes weigh the same.
_base_ = ['./pscc.py', '../_base_/schedules/balanced.py']
side = (256, 256)
model = dict(
    data_preprocessor=dict(size=side, seg_pad_val=255),
    # The authors start from ImageNet where they have the file (docs/guide/pscc.md), else like this.
    backbone=dict(init_cfg=dict(type='Normal', layer='Conv2d', std=0.001)),
    decode_head=dict(
        loss_image=dict(
            type='CrossEntropyLoss', class_weight=[1 / 0.5, 1 / 0.5], avg_non_ignore=True, loss_name='loss_image'
        ),
    ),
)
train_pipeline = [
    {{_base_.load}},
    dict(type='LoadForgeryMask'),
    dict(type='Resize', scale=side, keep_ratio=False, interpolation='bicubic', backend='pillow'),
    # Together they are the eight turns and mirror images, each as likely.
    dict(type='RandomD4', moves=('quarters',)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs', meta_keys={{_base_.meta_keys}}),
]
train_dataloader = dict(
    _delete_=True,
    **_base_.balanced_dataloader,
    batch_size=10,
    dataset=dict(**_base_.balanced_dataset, pipeline=train_pipeline),
)
val_dataloader = dict(_delete_=True, **_base_.test_dataloader)
val_cfg = dict(_delete_=True, type='ValLoop')
val_evaluator = dict(_delete_=True, type='ForgeryMetric')
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=250000, val_interval=10000)
optim_wrapper = dict(_delete_=True, type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-4))
param_scheduler = [dict(type='MultiStepLR', milestones=[50000, 100000, 150000, 200000], gamma=0.5, by_epoch=False)]
default_hooks = dict(checkpoint=dict(interval=10000))
