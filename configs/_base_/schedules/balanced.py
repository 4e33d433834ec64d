# What the trainings of CAT-Net, PSCC-Net and TruFor share, for configs whose base trains nothing: as many images of
# each list, and the optimiser of the two that take SGD.
balanced_dataloader = dict(num_workers=4, persistent_workers=True, sampler=dict(type='BalancedSampler'))
balanced_dataset = dict(
    type='ForgeryDataset',
    data_root='data/forgery',
    data_prefix=dict(img_path='train/images', seg_map_path='train/masks'),
)
sgd = dict(type='SGD', lr=0.005, momentum=0.9, weight_decay=5e-4)
