# MVSS-Net trained on other data: the dagger row of table 1. docs/guide/mvss.md tells what of its recipe is not known.
_base_ = [
    '../_base_/models/mvss.py',
    '../_base_/datasets/squashed_512.py',
    '../_base_/schedules/adam_40k.py',
    '../_base_/default_runtime.py',
]
model = dict(
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50')),
    # The root of the edges' strength has no gradient at 0.
    auxiliary_head=dict(eps=1e-8),
)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadForgeryMask'),
    dict(type='Resize', scale={{_base_.scale}}, keep_ratio=False),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='RandomFlip', prob=0.5, direction='vertical'),
    dict(type='RandomApply', prob=0.1, transforms=[dict(type='SquareForgery', method='copy')]),
    dict(type='RandomApply', prob=0.1, transforms=[dict(type='SquareForgery', method='inpaint')]),
    dict(type='RandomApply', prob=0.2, transforms=[dict(type='GaussianBlur', kernel=(3, 7), seed=None)]),
    dict(type='RandomApply', prob=0.2, transforms=[dict(type='JPEGCompression', quality=(70, 100), seed=None)]),
    dict(type='GenerateEdge', edge_width=7),
    dict(type='PackSegInputs', meta_keys={{_base_.meta_keys}}),
]
train_dataloader = dict(batch_size=12, dataset=dict(pipeline=train_pipeline))
optim_wrapper = dict(optimizer=dict(lr=1e-4))
param_scheduler = [
    dict(
        type='CosineRestartLR',
        periods=[10000] * 4,
        restart_weights=[1.0] * 4,
        eta_min=1e-7,
        begin=0,
        end=40000,
        by_epoch=False,
    )
]
