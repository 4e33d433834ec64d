# ViT-H of SAM with the optimizer's state and the gradients shared out between GPUs by DeepSpeed (ZeRO, stage 2), in
# bfloat16, its 32 layers recomputed in the backward pass: docs/guide/scaling.md. It needs a launcher and
# `pip install '.[deepspeed]'`.
_base_ = './focal_vit-h.py'
runner_type = 'FlexibleRunner'
strategy = dict(
    type='FOCALDeepSpeedStrategy',
    recomputed=[f'backbone.layers.{number}' for number in range(32)],
    zero_optimization=dict(stage=2),
    bf16=dict(enabled=True),
    inputs_to_half=['inputs'],
)
optim_wrapper = dict(type='DeepSpeedOptimWrapper')
