# The paper's optimiser: Adam with its default betas, 1e-4.
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4))
param_scheduler = [dict(type='PolyLR', eta_min=1e-6, power=0.9, begin=0, end=40000, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=40000, val_interval=4000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    # Every 4,000 iterations; every epoch where train_cfg counts epochs.
    checkpoint=dict(
        type='AtomicCheckpointHook',
        by_epoch=None,
        interval=4000,
        epoch_interval=1,
        save_best='forgery/iou',
        rule='greater',
    ),
    exact_resume=dict(type='ExactResumeHook'),
    run_checks=dict(type='RunCheckHook'),
    forged_pixels=dict(type='ForgedPixelsHook'),
    progress=dict(type='ProgressHook'),
    visualization=dict(type='SegVisualizationHook', backend_args=dict(backend='any_image')),
)
