# The classifier that takes the head's place in the demo: mmseg's FCN head on the compact HRNet.
fcn_compact = dict(
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
    norm_cfg=dict(type='BN', requires_grad=True),
    loss_decode=dict(type='CrossEntropyLoss'),
)
