# TruFor's networks: Noiseprint++ and two MiT-B2 that exchange what they see, a decoder for the mask, one for its
# confidence. docs/guide/trufor.md tells where noiseprint++.th comes from, which trainings start from, and of the two
# eps.
trufor_preprocessor = dict(
    type='NativeSizePreProcessor',
    mean=[0.0, 0.0, 0.0],
    std=[256.0, 256.0, 256.0],
    bgr_to_rgb=True,
)
trufor_extractor = dict(
    type='TruForBackbone',
    noiseprint=dict(type='NoiseprintPlusPlus', checkpoint_path='weights/noiseprint++.th'),
    drop_path_rate=0.1,
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://mmassets.onedl.ai/mmsegmentation/v0.5/pretrain/segformer/mit_b2_20220624-66e8bf70.pth',
    ),
)
trufor_head = dict(
    type='TruForHead',
    in_channels=[64, 128, 320, 512],
    norm_cfg=dict(type='BN', eps=1e-3),
)
trufor_confidence_head = dict(
    type='TruForHead',
    in_channels=[64, 128, 320, 512],
    out_channels=1,
    norm_cfg=dict(type='BN', eps=1e-5),
    loss_decode=dict(type='TrueClassProbabilityLoss'),
)
