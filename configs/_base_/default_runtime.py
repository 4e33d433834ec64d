default_scope = 'mmseg'
custom_imports = dict(imports=['focal_mmseg'], allow_failed_imports=False)
env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    # Seconds that processes wait for another: long enough for a validation that they share unevenly.
    dist_cfg=dict(backend='nccl', timeout=7200),
)
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='SegLocalVisualizer', vis_backends=vis_backends, name='visualizer')
custom_hooks = [dict(type='CheckpointFitHook')]
log_processor = dict(by_epoch=False)
log_level = 'INFO'
load_from = None
resume = False
randomness = dict(seed=0)
tta_model = dict(type='FOCALTTAModel')
