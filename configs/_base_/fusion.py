# A fusion without its members: a config adds `model.members`, and what else differs. There is nothing to train.
# Each member takes the image through its own test pipeline.
_base_ = './as_loaded.py'
model = dict(
    _delete_=True,
    type='FOCALFusion',
    mode='features',
    sequential=False,
    decode_head=dict(type='FOCALFusionHead', clusterer=dict(type='HDBSCANClusterer')),
)
