# CASIA v2, to train on: python tools/prepare_data.py casia2 SOURCE
_base_ = './train_set.py'
train_dataloader = dict(dataset=dict(data_root='data/casia2'))
