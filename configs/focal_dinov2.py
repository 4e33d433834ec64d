# FOCAL (DINOv2): ViT-L/14, frozen, with low-rank adapters: 128x128x512 embeddings of an 896x896 image.
_base_ = './focal_dinov3.py'
scale = (896, 896)  # 64 patches of 14 pixels
model = dict(
    data_preprocessor=dict(size=scale),
    backbone=dict(model_name='vit_large_patch14_reg4_dinov2'),
)
resize = dict(type='Resize', scale=scale, keep_ratio=False)
train_pipeline = [resize if each.type == 'Resize' else each for each in _base_.train_pipeline]
test_pipeline = [resize if each.type == 'Resize' else each for each in _base_.test_pipeline]
tta_pipeline = [
    _base_.tta_pipeline[0],
    dict(type='TestTimeAug', transforms=[[resize], *_base_.tta_pipeline[1].transforms[1:]]),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
