# EfficientNet-B3.
_base_ = '../focal_efficientnet.py'
model = dict(
    backbone=dict(
        arch='b3',
        init_cfg=dict(
            checkpoint='https://mmassets.onedl.ai/mmclassification/v0/efficientnet/'
            'efficientnet-b3_3rdparty_8xb32_in1k_20220119-4b4d7487.pth'
        ),
    ),
    decode_head=dict(in_channels=[32, 48, 136, 384]),
)
