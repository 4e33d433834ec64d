# IF-OSN: SENet-154 as encoder, a U-Net's decoder with gates, tested by tiles that are blended through 8 bits.
model = dict(
    type='TiledEncoderDecoder',
    data_preprocessor=dict(
        type='NativeSizePreProcessor',
        mean=[127.5] * 3,
        std=[127.5] * 3,
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size=(896, 896),
    ),
    backbone=dict(
        type='TIMMBackbone',
        model_name='legacy_senet154',
        features_only=True,
        out_indices=(0, 1, 2, 3, 4),
        pretrained=False,
    ),
    decode_head=dict(
        type='SCSEUNetHead',
        in_channels=[128, 256, 512, 1024, 2048],
        widths=[384, 256, 128, 64],
        channels=32,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
    ),
    train_cfg=dict(),
    # The encoder's pooling has nothing left of a side of 2 pixels.
    test_cfg=dict(mode='tiles', tile=896, stride=448, eight_bit=True, least_side=3),
)
