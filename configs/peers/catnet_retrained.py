# CAT-Net trained as its authors did: crops of 512x512 on the grid of the JPEG's blocks, neither resized nor flipped,
# equal parts of each list, batches of 11, 200 rounds of 9,345 images. docs/guide/catnet.md has lists and second start.
_base_ = ['./catnet.py', '../_base_/schedules/balanced.py']
size = (512, 512)
model = dict(
    data_preprocessor=dict(size=size),
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://msra/hrnetv2_w48')),
)
train_pipeline = [
    {{_base_.catnet_load}},
    {{_base_.catnet_read_jpeg}},
    dict(type='LoadForgeryMask'),
    dict(type='RandomGridCrop', crop_size=size),
    {{_base_.pack}},
]
train_dataloader = dict(
    _delete_=True,
    **_base_.balanced_dataloader,
    batch_size=11,
    dataset=dict(**_base_.balanced_dataset, pipeline=train_pipeline),
)
val_dataloader = dict(_delete_=True, **_base_.test_dataloader)
val_cfg = dict(_delete_=True, type='ValLoop')
val_evaluator = dict(_delete_=True, type='ForgeryMetric')
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=170000, val_interval=8500)
optim_wrapper = dict(_delete_=True, type='OptimWrapper', optimizer={{_base_.sgd}})
param_scheduler = [dict(type='PolyLR', eta_min=0.0, power=0.9, begin=0, end=170000, by_epoch=False)]
default_hooks = dict(checkpoint=dict(interval=8500))
