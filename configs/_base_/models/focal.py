# FOCAL without its backbone: a config adds `backbone`, the head's `in_channels`, and what else differs.
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    type='FOCALEncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size=(1024, 1024),
    ),
    decode_head=dict(
        type='FOCALHead',
        channels=256,
        clusterer=dict(type='HDBSCANClusterer'),
        loss_decode=dict(type='InfoNCEPlusPlusLoss'),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
