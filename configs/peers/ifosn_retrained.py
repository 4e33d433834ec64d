# IF-OSN trained on other data, without its noise of social networks: the dagger row of table 1.
# mmseg's class downloads whenever it builds the model, so ImageNet's start is an option: model.backbone.pretrained=True
_base_ = [
    '../_base_/models/ifosn.py',
    '../_base_/datasets/native_size.py',
    '../_base_/schedules/adam_40k.py',
    '../_base_/default_runtime.py',
    '../_base_/augmentation.py',
]
crop_size = (896, 896)
# The released code's augmentation is FOCAL's, at this size, of one half of the images.
_moves, _pad, *_others = _base_.augmentation.transforms
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadForgeryMask'),
    dict(_base_.augmentation, prob=0.5, transforms=[_moves, dict(_pad, size=crop_size), *_others]),
    dict(type='PadIfNeeded', size=crop_size, mode='reflect'),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='PackSegInputs', meta_keys={{_base_.meta_keys}}),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
augmentation = None
del _moves, _pad, _others
