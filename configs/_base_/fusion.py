# A fusion without its members: a config adds `model.members`, and what else differs. There is nothing to train.
_base_ = './focal.py'
model = dict(
    _delete_=True,
    type='FOCALFusion',
    mode='features',
    sequential=False,
    decode_head=dict(type='FOCALFusionHead', clusterer=dict(type='HDBSCANClusterer')),
)

# The picture as it is: each member takes it through its own test pipeline.
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
