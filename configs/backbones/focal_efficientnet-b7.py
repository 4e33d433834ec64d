# EfficientNet-B7.
_base_ = '../focal_efficientnet.py'
model = dict(
    backbone=dict(
        arch='b7',
        init_cfg=dict(
            checkpoint='https://mmassets.onedl.ai/mmclassification/v0/efficientnet/'
            'efficientnet-b7_3rdparty_8xb32-aa_in1k_20220119-bf03951c.pth'
        ),
    ),
    decode_head=dict(in_channels=[48, 80, 224, 640]),
)
