# The training sets with the released repeat factors: python tools/train.py CONFIG --data .../forgery_train.py
# The released lists name forged images alone, of CASIA v2 and IMD2020 too. They have no bcmc, which the paper has.
_base_ = './table_5.py'
times = {'tampcoco-sp': 1, 'tampcoco-cm': 1, 'tampcoco-bcm': 1, 'tampcoco-bcmc': 1, 'casia2': 40, 'imd2020': 20}
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(
                type='RepeatDataset',
                times=number,
                dataset=dict(type='ForgeryDataset', data_root=f'data/{name}', forged_only=True, **_base_.converted),
            )
            for name, number in times.items()
        ],
    ),
)
