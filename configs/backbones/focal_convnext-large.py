# ConvNeXt-L.
_base_ = '../focal_convnext.py'
model = dict(
    backbone=dict(
        arch='large',
        init_cfg=dict(
            checkpoint='https://mmassets.onedl.ai/mmclassification/v0/convnext/'
            'convnext-large_3rdparty_64xb64_in1k_20220124-f8a0ded0.pth'
        ),
    ),
    decode_head=dict(in_channels=[192, 384, 768, 1536]),
)
