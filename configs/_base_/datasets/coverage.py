# Coverage, to test on: python tools/prepare_data.py coverage SOURCE
_base_ = './test_set.py'
test_dataloader = dict(dataset=dict(data_root='data/coverage'))
