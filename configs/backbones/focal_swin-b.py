# Swin-B, of ImageNet-22K at 384x384.
_base_ = './focal_swin-t.py'
model = dict(
    backbone=dict(
        pretrain_img_size=384,
        embed_dims=128,
        depths=(2, 2, 18, 2),
        num_heads=(4, 8, 16, 32),
        window_size=12,
        init_cfg=dict(
            checkpoint='https://mmassets.onedl.ai/mmsegmentation/v0.5/pretrain/swin/'
            'swin_base_patch4_window12_384_22k_20220317-e5c09f74.pth'
        ),
    ),
    decode_head=dict(in_channels=[128, 256, 512, 1024]),
)
