# NIST16, to test on: python tools/prepare_data.py nist16 SOURCE
_base_ = './test_set.py'
test_dataloader = dict(dataset=dict(data_root='data/nist16'))
