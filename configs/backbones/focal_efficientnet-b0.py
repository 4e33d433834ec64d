# EfficientNet-B0.
_base_ = '../focal_efficientnet.py'
model = dict(
    backbone=dict(
        arch='b0',
        init_cfg=dict(
            checkpoint='https://mmassets.onedl.ai/mmclassification/v0/efficientnet/'
            'efficientnet-b0_3rdparty_8xb32_in1k_20220119-a7e2a0b1.pth'
        ),
    ),
    decode_head=dict(in_channels=[24, 40, 112, 320]),
)
