# Each image is tested at its own size, whatever that is. What is trained on is the config's own matter.
_base_ = './forgery.py'
train_pipeline = None
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
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
