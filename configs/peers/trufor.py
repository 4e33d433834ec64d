# TruFor as its authors released it: images at their own size, a mask, its confidence, a detector. docs/guide/trufor.md
# has its weights, and what large images cost in memory.
_base_ = ['../_base_/as_loaded.py', '../_base_/models/trufor.py']
model = dict(
    _delete_=True,
    type='TruFor',
    data_preprocessor={{_base_.trufor_preprocessor}},
    backbone={{_base_.trufor_extractor}},
    decode_head={{_base_.trufor_head}},
    confidence_head={{_base_.trufor_confidence_head}},
    detector=dict(type='TruForDetector'),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
load = dict(type='LoadImageFromFile', color_type='color_ignore_orientation')
test_pipeline = [load, *_base_.test_pipeline[1:]]
tta_pipeline = [load, *_base_.tta_pipeline[1:]]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
