# "Traditional" at the demo's scale: the demo's compact HRNet, classified under cross-entropy by mmseg's FCN head.
_base_ = './focal_hrnet-compact.py'
model = dict(
    decode_head=dict(
        _delete_=True,
        type='FCNHead',
        in_channels=[24, 32, 48, 64],
        in_index=(0, 1, 2, 3),
        input_transform='resize_concat',
        channels=168,
        kernel_size=1,
        num_convs=1,
        concat_input=False,
        dropout_ratio=-1,
        num_classes=2,
        out_channels=2,
        norm_cfg={{_base_.norm_cfg}},
        loss_decode=dict(type='CrossEntropyLoss'),
    ),
)
