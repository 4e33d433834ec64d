# The authors' released fusion: ViT and HRNet at ViT's resolution, 64x64x288, K-means. docs/guide/weights.md has its
# weights.
_base_ = './_base_/fusion.py'
model = dict(
    members=[
        dict(config='{{ fileDirname }}/focal_vit_official.py', checkpoint='focal_vit.pth'),
        dict(config='{{ fileDirname }}/focal_hrnet_official.py', checkpoint='focal_hrnet.pth'),
    ],
    resolution='first',
    interpolation='nearest',
    decode_head=dict(clusterer=dict(type='KMeansClusterer')),
)
