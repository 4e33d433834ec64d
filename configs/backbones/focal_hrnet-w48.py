# HRNet-W48.
_base_ = '../focal_hrnet.py'
model = dict(
    backbone=dict(
        extra=dict(
            stage2=dict(num_channels=(48, 96)),
            stage3=dict(num_channels=(48, 96, 192)),
            stage4=dict(num_channels=(48, 96, 192, 384)),
        ),
        init_cfg=dict(checkpoint='open-mmlab://msra/hrnetv2_w48'),
    ),
    decode_head=dict(in_channels=[48, 96, 192, 384]),
)
