# forgeries through social networks, to test on: python tools/prepare_data.py osn SOURCE
_base_ = './converted.py'
test_dataloader = dict(dataset=dict(data_root='data/osn'))
