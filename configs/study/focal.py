# FOCAL in the study (docs/notes/study.md): the demo's compact HRNet, on forgeries out of many more photographs.
_base_ = '../demo/focal_hrnet-compact.py'
data_root = 'work_dirs/study/data'
# Images are tested at their own size: resizing takes the traces away.
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='NoiseResidual'),
    dict(type='LoadForgeryMask'),
    dict(type='PackSegInputs', meta_keys={{_base_.meta_keys}}),
]
tta_pipeline = [
    _base_.tta_pipeline[0],
    dict(type='TestTimeAug', transforms=_base_.tta_pipeline[1].transforms[1:]),
]
train_dataloader = dict(dataset=dict(data_root=f'{data_root}/train'))
test_dataloader = dict(dataset=dict(dataset_name='', data_root=f'{data_root}/test', pipeline=test_pipeline))
train_cfg = dict(max_iters=1000)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, begin=0, end=20, by_epoch=False),
    dict(type='PolyLR', eta_min=0.0, power=0.9, begin=20, end=1000, by_epoch=False),
]
default_hooks = dict(checkpoint=dict(interval=1000))
