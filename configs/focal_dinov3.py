# FOCAL (DINOv3): ViT-L/16, frozen, with low-rank adapters: 128x128x512 embeddings of a 1024x1024 image.
_base_ = './_base_/focal.py'
model = dict(
    backbone=dict(
        type='TIMMViT',
        model_name='vit_large_patch16_dinov3',
        adapters=dict(r=16, lora_alpha=32, lora_dropout=0.0, target_modules=['qkv', 'proj']),
    ),
    neck=dict(type='LearnedUpsample', in_channels=1024, out_channels=512, factor=2),
    decode_head=dict(in_channels=512, channels=512),
)
