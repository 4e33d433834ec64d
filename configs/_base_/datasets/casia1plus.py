# CASIA v1+, to test on: python tools/prepare_data.py casia1plus SOURCE
_base_ = './test_set.py'
test_dataloader = dict(dataset=dict(data_root='data/casia1plus'))
