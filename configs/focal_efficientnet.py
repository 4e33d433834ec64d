# FOCAL (EfficientNet): EfficientNet-B4, 256x256x256 embeddings of a 1024x1024 image.
_base_ = './_base_/focal.py'
custom_imports = dict(imports=['focal_mmseg', 'mmpretrain.models'], allow_failed_imports=False)
model = dict(
    backbone=dict(
        type='mmpretrain.EfficientNet',
        arch='b4',
        out_indices=(2, 3, 4, 5),
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://mmassets.onedl.ai/mmclassification/v0/efficientnet/'
            'efficientnet-b4_3rdparty_8xb32_in1k_20220119-81fd4077.pth',
            prefix='backbone.',
        ),
    ),
    decode_head=dict(in_channels=[32, 56, 160, 448]),
)
# mmpretrain builds the last convolution before a classifier too, which has nothing to learn here.
find_unused_parameters = True
