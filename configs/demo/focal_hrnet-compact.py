# A compact HRNet on images forged out of seven packaged photographs: trains in minutes on two CPU cores.
_base_ = '../_base_/focal.py'
data_root = 'work_dirs/demo/data'
scale = (192, 192)
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    data_preprocessor=dict(mean=[0.0], std=[5.0], size=scale),
    backbone=dict(
        type='HRNet',
        norm_cfg=norm_cfg,
        norm_eval=False,
        extra=dict(
            stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(1,), num_channels=(32,)),
            stage2=dict(num_modules=1, num_branches=2, block='BASIC', num_blocks=(1, 1), num_channels=(24, 32)),
            stage3=dict(num_modules=1, num_branches=3, block='BASIC', num_blocks=(1,) * 3, num_channels=(24, 32, 48)),
            stage4=dict(
                num_modules=1, num_branches=4, block='BASIC', num_blocks=(1,) * 4, num_channels=(24, 32, 48, 64)
            ),
        ),
    ),
    decode_head=dict(in_channels=[24, 32, 48, 64], channels=32),
)

# The network starts from random weights, so it is shown the traces, not the scene.
resize = dict(type='Resize', scale=scale, keep_ratio=False)
residual = dict(type='NoiseResidual')
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadForgeryMask'),
    dict(type='RandomFlip', prob=0.5, direction=['horizontal', 'vertical']),
    residual,
    dict(type='PackSegInputs', meta_keys={{_base_.meta_keys}}),
]
test_pipeline = [_base_.test_pipeline[0], resize, residual, *_base_.test_pipeline[2:]]
_, _flips, *_rest = _base_.tta_pipeline[1].transforms
tta_pipeline = [
    _base_.tta_pipeline[0],
    dict(type='TestTimeAug', transforms=[[resize], _flips, [residual], *_rest]),
]
del _, _flips, _rest
data_prefix = dict(img_path='images', seg_map_path='masks')
train_dataloader = dict(
    batch_size=6,
    num_workers=1,
    # The README's figures hang on the draws of its worker.
    sampler=dict(seed_samples=False),
    dataset=dict(data_root=f'{data_root}/train', data_prefix=data_prefix, pipeline=train_pipeline),
)
test_dataloader = dict(
    num_workers=1,
    dataset=dict(dataset_name='demo', data_root=f'{data_root}/test', data_prefix=data_prefix, pipeline=test_pipeline),
)

# Nothing is chosen by the test images: the last weights are the result.
val_dataloader = None
val_evaluator = None
val_cfg = None
train_cfg = dict(max_iters=600)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, begin=0, end=20, by_epoch=False),
    dict(type='PolyLR', eta_min=0.0, power=0.9, begin=20, end=600, by_epoch=False),
]
default_hooks = dict(logger=dict(interval=20), checkpoint=dict(interval=600, save_best=None, save_optimizer=False))
