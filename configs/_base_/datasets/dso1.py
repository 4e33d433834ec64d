# DSO-1, to test on: python tools/prepare_data.py dso1 SOURCE
_base_ = './test_set.py'
test_dataloader = dict(dataset=dict(data_root='data/dso1'))
