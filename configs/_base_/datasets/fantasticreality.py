# FantasticReality, to train on: python tools/prepare_data.py fantasticreality SOURCE
_base_ = './train_set.py'
train_dataloader = dict(dataset=dict(data_root='data/fantasticreality'))
