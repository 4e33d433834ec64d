# TruFor trained as its authors did, the mask: random crops of 512x512, scaled and compressed by chance, as many images
# of each list, 100 rounds of ten lists of 1,868 images. trufor_retrained_detector.py goes on from its checkpoint.
_base_ = ['./trufor.py', '../_base_/schedules/balanced.py']
crop_size = (512, 512)
iterations = 103800
model = dict(
    data_preprocessor=dict(size=crop_size, pad_val=127.5 / 256, seg_pad_val=255),
    decode_head=dict(
        loss_decode=[
            dict(type='CrossEntropyLoss', class_weight=[0.5, 2.5], loss_weight=0.3),
            dict(type='ForgeryDiceLoss', loss_weight=0.7),
        ],
    ),
    confidence_head=None,
    detector=None,
)
train_pipeline = [
    {{_base_.load}},
    dict(type='LoadForgeryMask'),
    dict(type='RandomApply', prob=0.5, transforms=[dict(type='RandomScale', factor=(0.5, 1.5))]),
    dict(type='RandomApply', prob=0.5, transforms=[dict(type='JPEGCompression', quality=(30, 100), seed=None)]),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='PackSegInputs', meta_keys={{_base_.meta_keys}}),
]
train_dataloader = dict(
    _delete_=True,
    **_base_.balanced_dataloader,
    batch_size=18,
    dataset=dict(**_base_.balanced_dataset, pipeline=train_pipeline),
)
val_dataloader = dict(_delete_=True, **_base_.test_dataloader)
val_cfg = dict(_delete_=True, type='ValLoop')
val_evaluator = dict(_delete_=True, type='ForgeryMetric')
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=iterations, val_interval=5190)
# Norms, biases, and the bias that attention has for queries, keys and values together decay by nothing.
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer={{_base_.sgd}},
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0, flat_decay_mult=0.0),
)
param_scheduler = [dict(type='PolyLR', eta_min=0.0, power=0.9, begin=0, end=iterations, by_epoch=False)]
default_hooks = dict(checkpoint=dict(interval=5190, save_best='forgery/permuted_f1'))
