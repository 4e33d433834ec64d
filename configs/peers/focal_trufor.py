# TruFor's extractor under FOCAL's head: 256x256x256 embeddings of a 1024x1024 image. Noiseprint++ stays as released.
_base_ = ['../_base_/focal.py', '../_base_/models/trufor.py']
model = dict(
    data_preprocessor=dict(mean=[0.0, 0.0, 0.0], std=[256.0, 256.0, 256.0]),
    backbone={{_base_.trufor_extractor}},
    decode_head=dict(in_channels=[64, 128, 320, 512]),
)
