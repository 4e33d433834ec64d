# IMD2020, to train on: python tools/prepare_data.py imd2020 SOURCE
_base_ = './train_set.py'
train_dataloader = dict(dataset=dict(data_root='data/imd2020'))
