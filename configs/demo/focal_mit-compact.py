# A compact MiT on the demo's images: a second network, to be fused with the first.
_base_ = './focal_hrnet-compact.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='MixVisionTransformer',
        embed_dims=24,
        num_layers=[1, 1, 1, 1],
        num_heads=[1, 2, 3, 4],
        qkv_bias=True,
    ),
    decode_head=dict(in_channels=[24, 48, 72, 96]),
)
