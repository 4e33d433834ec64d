# The form that tools/prepare_data.py writes.
_base_ = './forgery.py'
converted = dict(ann_file='index.tsv', data_prefix=dict(img_path='images', seg_map_path='masks'))
train_dataloader = dict(dataset=converted)
test_dataloader = dict(dataset=converted)
