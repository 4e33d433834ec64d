# A compact HRNet on pictures forged from seven packaged photographs: trains in minutes on two CPU cores.
_base_ = '../_base_/focal.py'
data_root = 'work_dirs/demo/data'
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    backbone=dict(
        type='HRNet',
        norm_cfg=norm_cfg,
        norm_eval=False,
        extra=dict(
            stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(1,), num_channels=(32,)),
            stage2=dict(num_modules=1, num_branches=2, block='BASIC', num_blocks=(1, 1), num_channels=(24, 32)),
            stage3=dict(num_modules=1, num_branches=3, block='BASIC', num_blocks=(1,) * 3, num_channels=(24, 32, 48)),
            stage4=dict(
                num_modules=1, num_branches=4, block='BASIC', num_blocks=(1,) * 4, num_channels=(24, 32, 48, 64)
            ),
        ),
    ),
    decode_head=dict(in_channels=[24, 32, 48, 64], channels=32),
)
