# ConvNeXt-S.
_base_ = '../focal_convnext.py'
model = dict(
    backbone=dict(
        arch='small',
        init_cfg=dict(
            checkpoint='https://mmassets.onedl.ai/mmclassification/v0/convnext/'
            'convnext-small_32xb128-noema_in1k_20221208-4a618995.pth'
        ),
    ),
    decode_head=dict(in_channels=[96, 192, 384, 768]),
)
