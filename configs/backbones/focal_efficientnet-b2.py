# EfficientNet-B2.
_base_ = '../focal_efficientnet.py'
model = dict(
    backbone=dict(
        arch='b2',
        init_cfg=dict(
            checkpoint='https://mmassets.onedl.ai/mmclassification/v0/efficientnet/'
            'efficientnet-b2_3rdparty_8xb32_in1k_20220119-ea374a30.pth'
        ),
    ),
    decode_head=dict(in_channels=[24, 48, 120, 352]),
)
