# The ten lists of TruFor's training, for BalancedSampler: forged and pristine images of FantasticReality and of
# CASIA v2, forged ones of IMD2020 and of the four kinds of tampCOCO, pristine ones of compRAISE.
# python tools/train.py configs/peers/trufor_retrained.py --data configs/_base_/datasets/trufor_lists.py
_base_ = './table_5.py'
both = ['fantasticreality', 'casia2', 'compraise']
forged = ['imd2020', 'tampcoco-sp', 'tampcoco-cm', 'tampcoco-bcm', 'tampcoco-bcmc']
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(type='ForgeryDataset', data_root=f'data/{name}', forged_only=name in forged, **_base_.converted)
            for name in both + forged
        ],
    ),
)
