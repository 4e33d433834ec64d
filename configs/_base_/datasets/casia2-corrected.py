# CASIA v2 with corrected masks, to train on: python tools/prepare_data.py casia2-corrected SOURCE
_base_ = './train_set.py'
train_dataloader = dict(dataset=dict(data_root='data/casia2-corrected'))
