# ViT-H of SAM.
_base_ = '../focal_vit.py'
model = dict(
    backbone=dict(
        arch='huge',
        init_cfg=dict(
            checkpoint='https://mmassets.onedl.ai/mmclassification/v1/vit_sam/'
            'vit-huge-p16_sam-pre_3rdparty_sa1b-1024px_20230411-3f13c653.pth'
        ),
    ),
    neck=dict(in_channels=1280),
)
