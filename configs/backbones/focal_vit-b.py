# ViT-B of SAM.
_base_ = '../focal_vit.py'
model = dict(
    backbone=dict(
        arch='base',
        init_cfg=dict(
            checkpoint='https://mmassets.onedl.ai/mmclassification/v1/vit_sam/'
            'vit-base-p16_sam-pre_3rdparty_sa1b-1024px_20230411-2320f9cc.pth'
        ),
    ),
    neck=dict(in_channels=768),
)
