# A dozen images that are trained on and tested on, to see whether a training learns at all.
_images = dict(
    type='ForgeryDataset',
    dataset_name='overfit',
    data_root='work_dirs/overfit/data',
    data_prefix=dict(img_path='images', seg_map_path='masks'),
)
train_dataloader = dict(dataset=_images)
test_dataloader = dict(dataset=_images)
val_dataloader = None
del _images
