# ConvNeXt-T.
_base_ = '../focal_convnext.py'
model = dict(
    backbone=dict(
        arch='tiny',
        drop_path_rate=0.1,
        init_cfg=dict(
            checkpoint='https://mmassets.onedl.ai/mmclassification/v0/convnext/'
            'convnext-tiny_32xb128-noema_in1k_20221208-5d4509c7.pth'
        ),
    ),
    decode_head=dict(in_channels=[96, 192, 384, 768]),
)
