# FOCAL (ConvNeXt): ConvNeXt-B, 256x256x256 embeddings of a 1024x1024 image.
_base_ = './_base_/focal.py'
custom_imports = dict(imports=['focal_mmseg', 'mmpretrain.models'], allow_failed_imports=False)
model = dict(
    backbone=dict(
        type='mmpretrain.ConvNeXt',
        arch='base',
        out_indices=[0, 1, 2, 3],
        drop_path_rate=0.4,
        gap_before_final_norm=False,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://mmassets.onedl.ai/mmclassification/v0/convnext/downstream/'
            'convnext-base_3rdparty_32xb128-noema_in1k_20220301-2a0ee547.pth',
            prefix='backbone.',
        ),
    ),
    decode_head=dict(in_channels=[128, 256, 512, 1024]),
)
