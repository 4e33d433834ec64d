# The authors' released FOCAL (HRNet): HRNet-W32's first map, 256x256x32 embeddings, K-means. docs/guide/weights.md has
# its weights. The backbone is mmpretrain's, which repeats a smaller map's cells as the released one; mmseg's
# interpolates.
_base_ = './_base_/focal.py'
custom_imports = dict(imports=['focal_mmseg', 'mmpretrain.models'], allow_failed_imports=False)
model = dict(
    data_preprocessor=dict(mean=[0.0], std=[255.0]),
    backbone=dict(type='mmpretrain.HRNet', arch='w32', multiscale_output=False),
    decode_head=dict(
        in_channels=32,
        channels=None,
        clusterer=dict(type='KMeansClusterer'),
        loss_decode=dict(max_pixels=1000),
    ),
)
