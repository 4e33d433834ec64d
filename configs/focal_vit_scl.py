# The journal version of 2025: ViT-L of SAM, the soft contrastive loss, and 200 points as the smallest cluster.
_base_ = './focal_vit.py'
model = dict(
    decode_head=dict(
        loss_decode=dict(type='SoftContrastiveLoss'),
        clusterer=dict(min_cluster_size=200),
    )
)
