# FOCAL (Fusion): HRNet and ViT, each trained by its own config, clustered together. Name your own checkpoints.
_base_ = './_base_/fusion.py'
model = dict(
    members=[
        dict(config='{{ fileDirname }}/focal_hrnet.py', checkpoint='work_dirs/focal_hrnet/iter_40000.pth'),
        dict(config='{{ fileDirname }}/focal_vit.py', checkpoint='work_dirs/focal_vit/iter_40000.pth'),
    ],
)
