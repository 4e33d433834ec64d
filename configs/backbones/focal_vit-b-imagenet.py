# Plain ViT-B of ImageNet.
_base_ = './focal_vit-l-imagenet.py'
model = dict(
    backbone=dict(
        arch='base',
        init_cfg=dict(
            checkpoint='https://mmassets.onedl.ai/mmclassification/v0/vit/finetune/'
            'vit-base-p16_in21k-pre-3rdparty_ft-64xb64_in1k-384_20210928-98e8652b.pth'
        ),
    ),
    neck=dict(in_channels=768),
)
