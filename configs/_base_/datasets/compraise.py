# compRAISE, pristine, to train on: python tools/prepare_data.py compraise SOURCE
_base_ = './train_set.py'
train_dataloader = dict(dataset=dict(data_root='data/compraise'))
