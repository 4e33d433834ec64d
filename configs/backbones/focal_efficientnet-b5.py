# EfficientNet-B5.
_base_ = '../focal_efficientnet.py'
model = dict(
    backbone=dict(
        arch='b5',
        init_cfg=dict(
            checkpoint='https://mmassets.onedl.ai/mmclassification/v0/efficientnet/'
            'efficientnet-b5_3rdparty_8xb32_in1k_20220119-e9814430.pth'
        ),
    ),
    decode_head=dict(in_channels=[40, 64, 176, 512]),
)
