# CAT-Net's extractor: HRNet-W48 over the pixels, a smaller one from 1/8 on over the JPEG's luma coefficients.
catnet_extractor = dict(
    type='CATNetBackbone',
    norm_cfg=dict(type='BN', momentum=0.01),
    extra=dict(
        stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(4,), num_channels=(64,)),
        stage2=dict(num_modules=1, num_branches=2, block='BASIC', num_blocks=(4,) * 2, num_channels=(48, 96)),
        stage3=dict(num_modules=4, num_branches=3, block='BASIC', num_blocks=(4,) * 3, num_channels=(48, 96, 192)),
        stage4=dict(num_modules=3, num_branches=4, block='BASIC', num_blocks=(4,) * 4, num_channels=(48, 96, 192, 384)),
    ),
)
# How it reads images: coefficients are stored without the orientation that EXIF asks for.
catnet_load = dict(type='LoadImageFromFile', color_type='color_ignore_orientation')
catnet_read_jpeg = dict(type='LoadJPEGArtifacts', padding='mean')
