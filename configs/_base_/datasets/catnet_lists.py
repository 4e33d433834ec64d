# The sets that CAT-Net v2's released training reads, for BalancedSampler: forged and pristine ones of FantasticReality
# and CASIA v2, forged ones of IMD2020. Its tampCOCO and compRAISE are off there by default; --data takes them by name.
# python tools/train.py configs/peers/catnet_retrained.py --data configs/_base_/datasets/catnet_lists.py
_base_ = './table_5.py'
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(type='ForgeryDataset', data_root='data/fantasticreality', **_base_.converted),
            dict(type='ForgeryDataset', data_root='data/casia2', **_base_.converted),
            dict(type='ForgeryDataset', data_root='data/imd2020', forged_only=True, **_base_.converted),
        ],
    ),
)
