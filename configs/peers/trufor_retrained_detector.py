# TruFor trained as its authors did, the confidence and the detector, on what trufor_retrained.py has trained:
# --cfg-options load_from=work_dirs/trufor_retrained/iter_103800.pth
_base_ = './trufor_retrained.py'
model = dict(
    backbone=dict(noiseprint=dict(checkpoint_path=None), init_cfg=None),
    confidence_head=dict(_delete_=True, **_base_.trufor_confidence_head),
    detector=dict(_delete_=True, type='TruForDetector', loss_decode=dict(type='ForgedImageLoss', loss_weight=0.5)),
    frozen=['backbone', 'decode_head'],
)
val_evaluator = dict(image_threshold=0.5)
default_hooks = dict(checkpoint=dict(save_best='forgery/image_balanced_accuracy'))
