# The network of focal_lite.py under cross-entropy: the same streams, neck, forgeries and schedule, a classifier on top.
_base_ = '../focal_lite.py'
weights = None
model = dict(
    type='EncoderDecoder',
    decode_head=dict(
        _delete_=True,
        type='FCNHead',
        in_channels=128,
        channels=128,
        in_index=0,
        num_convs=0,
        concat_input=False,
        dropout_ratio=0,
        num_classes=2,
        out_channels=2,
        loss_decode=dict(type='CrossEntropyLoss'),
    ),
    test_cfg=dict(_delete_=True, mode='whole'),
)
