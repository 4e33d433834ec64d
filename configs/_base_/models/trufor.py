# TruFor's networks: Noiseprint++ and two MiT-B2 that exchange what they see, a decoder for the mask, one for its
# confidence, a detector. docs/trufor.md tells of the two versions of eps.
trufor_preprocessor = dict(
    type='NativeSizePreProcessor',
    mean=[0.0, 0.0, 0.0],
    std=[256.0, 256.0, 256.0],
    bgr_to_rgb=True,
)
trufor_extractor = dict(type='TruForBackbone', noiseprint=dict(type='NoiseprintPlusPlus'))
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
