# The authors' released FOCAL (ViT): SAM's ViT-L, 64x64x256 embeddings, K-means. docs/guide/weights.md has its weights.
_base_ = './_base_/focal.py'
custom_imports = dict(imports=['focal_mmseg', 'mmpretrain.models'], allow_failed_imports=False)
model = dict(
    data_preprocessor=dict(mean=[0.0], std=[255.0]),
    backbone=dict(type='mmpretrain.ViTSAM', arch='large', img_size=1024, patch_size=16, out_channels=256),
    decode_head=dict(
        in_channels=256,
        channels=None,
        clusterer=dict(type='KMeansClusterer'),
        loss_decode=dict(max_pixels=1000),
    ),
)
