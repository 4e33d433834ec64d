# PSCC-Net's extractor under FOCAL's head: 256x256x256 embeddings of an image squashed to 256x256, the size that
# PSCC-Net was trained at. It starts from random weights; docs/guide/pscc.md tells how from the released ones.
_base_ = ['../_base_/focal.py', '../_base_/models/pscc_extractor.py']
scale = (256, 256)
resize = dict(type='Resize', scale=scale, keep_ratio=False)
model = dict(
    data_preprocessor=dict(mean=[0.0, 0.0, 0.0], std=[255.0, 255.0, 255.0], size=scale),
    backbone={{_base_.pscc_extractor}},
    decode_head=dict(in_channels=[18, 36, 72, 144]),
)
train_pipeline = [resize if each.type == 'Resize' else each for each in _base_.train_pipeline]
test_pipeline = [resize if each.type == 'Resize' else each for each in _base_.test_pipeline]
tta_pipeline = [
    _base_.tta_pipeline[0],
    dict(type='TestTimeAug', transforms=[[resize], *_base_.tta_pipeline[1].transforms[1:]]),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
