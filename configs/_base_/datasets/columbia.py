# Columbia, to test on: python tools/prepare_data.py columbia SOURCE
_base_ = './test_set.py'
test_dataloader = dict(dataset=dict(data_root='data/columbia'))
