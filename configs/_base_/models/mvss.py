# MVSS-Net: two ResNet-50 at stride 16, on the image and on its noise; an edge branch on the first, attention on both.
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    type='EdgeEncoderDecoder',
    # The numbers of red, green and blue on blue, green and red: the released network was trained so.
    data_preprocessor=dict(
        type='NativeSizePreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=False,
        pad_val=0,
        seg_pad_val=255,
        size=(512, 512),
    ),
    backbone=dict(
        type='MVSSBackbone',
        network=dict(
            type='ResNet',
            depth=50,
            strides=(1, 2, 2, 1),
            dilations=(1, 1, 1, 1),
            multi_grid=(1, 2, 4),
            style='pytorch',
            out_indices=(0, 1, 2, 3),
            norm_cfg=norm_cfg,
            norm_eval=False,
        ),
    ),
    decode_head=dict(
        type='MVSSHead',
        in_channels=[2048, 2048],
        in_index=(3, 4),
        input_transform='resize_concat',
        channels=1024,
        pam_channels=128,
        stride=16,
        eight_bit=True,
        dropout_ratio=0.1,
        norm_cfg=norm_cfg,
        loss_decode=dict(type='ForgeryDiceLoss', loss_weight=0.16),
        image_loss=dict(type='ForgedImageLoss', least_pixels=1, forged_share=0.5, loss_weight=0.04),
    ),
    auxiliary_head=dict(
        type='SobelEdgeHead',
        in_channels=[256, 512, 1024, 2048],
        loss_decode=dict(type='ForgeryDiceLoss', loss_weight=0.8),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
