# For models that take the picture as it is, at its own size and in grey levels. There is nothing to train.
_base_ = './focal.py'
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadForgeryMask'),
    dict(type='PackSegInputs', meta_keys={{_base_.meta_keys}}),
]
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(type='RandomFlip', prob=0.0, direction='horizontal'),
                dict(type='RandomFlip', prob=1.0, direction='horizontal'),
            ],
            [dict(type='LoadForgeryMask')],
            [dict(type='PackSegInputs', meta_keys={{_base_.meta_keys}})],
        ],
    ),
]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
train_dataloader = train_cfg = optim_wrapper = param_scheduler = None
val_dataloader = val_cfg = val_evaluator = None
