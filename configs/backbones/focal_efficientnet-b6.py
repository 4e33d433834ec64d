# EfficientNet-B6.
_base_ = '../focal_efficientnet.py'
model = dict(
    backbone=dict(
        arch='b6',
        init_cfg=dict(
            checkpoint='https://mmassets.onedl.ai/mmclassification/v0/efficientnet/'
            'efficientnet-b6_3rdparty_8xb32-aa_in1k_20220119-45b03310.pth'
        ),
    ),
    decode_head=dict(in_channels=[40, 72, 200, 576]),
)
