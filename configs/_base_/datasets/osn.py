# Forgeries through social networks, to test on: python tools/prepare_data.py osn SOURCE
_base_ = './test_set.py'
test_dataloader = dict(dataset=dict(data_root='data/osn'))
