# EfficientNet-B1.
_base_ = '../focal_efficientnet.py'
model = dict(
    backbone=dict(
        arch='b1',
        init_cfg=dict(
            checkpoint='https://mmassets.onedl.ai/mmclassification/v0/efficientnet/'
            'efficientnet-b1_3rdparty_8xb32_in1k_20220119-002556d9.pth'
        ),
    ),
    decode_head=dict(in_channels=[24, 40, 112, 320]),
)
