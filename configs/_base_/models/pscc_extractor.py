# PSCC-Net's extractor: HRNet-W18-small-v2 whose stem keeps the full resolution.
pscc_extractor = dict(
    type='ExactSizeHRNet',
    align_corners=True,
    stem_strides=(1, 1),
    norm_cfg=dict(type='BN', momentum=0.01),
    extra=dict(
        stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(2,), num_channels=(64,)),
        stage2=dict(num_modules=1, num_branches=2, block='BASIC', num_blocks=(2,) * 2, num_channels=(18, 36)),
        stage3=dict(num_modules=1, num_branches=3, block='BASIC', num_blocks=(2,) * 3, num_channels=(18, 36, 72)),
        stage4=dict(num_modules=1, num_branches=4, block='BASIC', num_blocks=(2,) * 4, num_channels=(18, 36, 72, 144)),
    ),
)
