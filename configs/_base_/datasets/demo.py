# The images of 192x192 that `make demo` forges, for --data. Nothing is validated: no test image chooses weights.
_demo = dict(type='ForgeryDataset', dataset_name='demo', data_prefix=dict(img_path='images', seg_map_path='masks'))
train_dataloader = dict(dataset=dict(_demo, data_root='work_dirs/demo/data/train'))
test_dataloader = dict(dataset=dict(_demo, data_root='work_dirs/demo/data/test'))
val_dataloader = None
del _demo
