# "Traditional" of table 2: the HRNet-W32 of FOCAL (HRNet), classified under cross-entropy by mmseg's FCN head.
_base_ = '../focal_hrnet.py'
model = dict(
    type='EncoderDecoder',
    decode_head=dict(
        _delete_=True,
        type='FCNHead',
        in_channels=[32, 64, 128, 256],
        in_index=(0, 1, 2, 3),
        input_transform='resize_concat',
        channels=480,
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
