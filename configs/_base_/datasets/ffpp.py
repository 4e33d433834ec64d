# FF++, to test on: python tools/prepare_data.py ffpp SOURCE
_base_ = './test_set.py'
test_dataloader = dict(dataset=dict(data_root='data/ffpp'))
