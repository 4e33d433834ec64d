# FOCAL on pixels and JPEG coefficients: small enough to train on a processor, and the network that ships with weights.
_base_ = './_base_/focal.py'
# What tests and predictions take where no checkpoint is given: the network that ships.
weights = 'focal_mmseg://focal_lite'
photographs = 'data/photographs'
size = (256, 256)
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    # The image has five channels, normalised by LoadJPEGArtifacts.
    data_preprocessor=dict(_delete_=True, type='JPEGDataPreProcessor', size=size, seg_pad_val=255),
    backbone=dict(
        type='TwoStreamBackbone',
        # Strides 4, 8 and 16.
        rgb=dict(type='TIMMFeatures', model_name='tf_efficientnet_lite0', out_indices=(1, 2, 3)),
        dct=dict(channels=96, out_channels=64, dilations=(1, 2, 4, 1), norm_cfg=norm_cfg),
        # What the map at stride 8 shows twice: copies.
        copies=dict(index=1, in_channels=40, out_channels=32, norm_cfg=norm_cfg),
    ),
    # Everything meets at 1/8, where a block of the JPEG is one point.
    neck=dict(type='MixLevels', in_channels=[24, 40, 112, 64, 32], norm_cfg=norm_cfg),
    decode_head=dict(
        in_channels=128,
        channels=32,
        # Chosen by measurement: docs/notes/zoo.md. The threshold keeps false alarms at 5 % of the pixels of pristine
        # images.
        clusterer=dict(type='PristineCentreClusterer'),
        gate=dict(type='EvidenceGate', threshold=0.1411, reach=3, bimodality=2),
        loss_decode=[dict(type='InfoNCEPlusPlusLoss'), dict(type='PristineLoss', loss_weight=2.0)],
    ),
    # Resizing takes the traces away, so large images go through by windows, whose corners lie on the grid. The mirror
    # image's embeddings stand beside the image's: docs/notes/zoo.md.
    test_cfg=dict(mode='slide', crop_size=(1024, 1024), stride=(896, 896), size_divisor=8, mirrors=['horizontal']),
)

meta_keys = (*_base_.meta_keys, 'img_padding_size', 'jpeg_table')
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='SynthesizeForgery', recipe='world', donors=photographs),
    dict(type='LoadJPEGArtifacts'),
    dict(type='PackSegInputs', meta_keys=meta_keys),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadJPEGArtifacts'),
    dict(type='LoadForgeryMask'),
    dict(type='PackSegInputs', meta_keys=meta_keys),
]
tta_pipeline = None
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    dataset=dict(
        data_root=None,
        data_prefix=dict(img_path=photographs, seg_map_path=''),
        pristine_without_mask=True,
        pipeline=train_pipeline,
    ),
)
test_dataloader = dict(num_workers=1, dataset=dict(pipeline=test_pipeline))
# Nothing is chosen by forgeries of others: the last weights are the result.
val_dataloader = None
val_evaluator = None
val_cfg = None

max_iters = 4000
train_cfg = dict(max_iters=max_iters)
optim_wrapper = dict(
    type='BFloat16OptimWrapper',
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-3, weight_decay=1e-4),
    # The stream that starts from ImageNet's weights.
    paramwise_cfg=dict(custom_keys={'backbone.rgb': dict(lr_mult=0.3)}),
)
# Constant until the last quarter, so that a longer training goes on from a checkpoint before it.
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, begin=0, end=100, by_epoch=False),
    dict(type='LinearLR', start_factor=1.0, end_factor=0.01, begin=max_iters * 3 // 4, end=max_iters, by_epoch=False),
]
default_hooks = dict(checkpoint=dict(interval=250, save_best=None, max_keep_ckpts=3))
custom_hooks = [*_base_.custom_hooks, dict(type='EMAHook', ema_type='ExponentialMovingAverage', momentum=0.005)]
