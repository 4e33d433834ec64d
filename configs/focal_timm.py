# FOCAL (timm): ResNet-50-D; any other network of timm that gives feature maps goes in by its name and widths.
# mmseg's class downloads whenever it builds the model, so that is for trainings: model.backbone.pretrained=True
_base_ = './_base_/focal.py'
model = dict(
    backbone=dict(type='TIMMBackbone', model_name='resnet50d', out_indices=(1, 2, 3, 4), pretrained=False),
    decode_head=dict(in_channels=[256, 512, 1024, 2048]),
)
