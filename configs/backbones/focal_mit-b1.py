# MiT-B1 of SegFormer.
_base_ = '../focal_mit.py'
model = dict(
    backbone=dict(
        num_layers=[2, 2, 2, 2],
        init_cfg=dict(
            checkpoint='https://mmassets.onedl.ai/mmsegmentation/v0.5/pretrain/segformer/mit_b1_20220624-02e5a6a1.pth'
        ),
    ),
)
