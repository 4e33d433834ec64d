# FOCAL (ViT): SAM's ViT-L, its 64x64 map doubled by a neck: 128x128x512 embeddings of a 1024x1024 image.
_base_ = './_base_/focal.py'
custom_imports = dict(imports=['focal_mmseg', 'mmpretrain.models'], allow_failed_imports=False)
model = dict(
    backbone=dict(
        type='mmpretrain.ViTSAM',
        arch='large',
        img_size=1024,
        patch_size=16,
        out_channels=0,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://mmassets.onedl.ai/mmclassification/v1/vit_sam/'
            'vit-large-p16_sam-pre_3rdparty_sa1b-1024px_20230411-595feafd.pth',
            prefix='backbone.',
        ),
    ),
    neck=dict(type='LearnedUpsample', in_channels=1024, out_channels=512, factor=2),
    decode_head=dict(in_channels=512, channels=512),
)
