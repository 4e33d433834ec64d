# ViT-H of SAM with the optimizer's state and the gradients shared out between GPUs by DeepSpeed (ZeRO, stage 2), in
# bfloat16: docs/reliability.md. It needs `pip install '.[deepspeed]'` and a launcher.
_base_ = './focal_vit-h.py'
runner_type = 'FlexibleRunner'
strategy = dict(
    type='ResumableDeepSpeedStrategy',
    zero_optimization=dict(stage=2),
    bf16=dict(enabled=True),
    inputs_to_half=['inputs'],
)
optim_wrapper = dict(type='DeepSpeedOptimWrapper')
