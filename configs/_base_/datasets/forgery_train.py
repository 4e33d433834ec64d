# The training sets with the released repeat factors: python tools/train.py CONFIG --data .../forgery_train.py
_base_ = './forgery_test.py'
# Nothing is chosen by test pictures.
val_dataloader = None
times = {'tampcoco-sp': 1, 'tampcoco-cm': 1, 'tampcoco-bcm': 1, 'tampcoco-bcmc': 1, 'casia2': 40, 'imd2020': 20}
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(
                type='RepeatDataset',
                times=number,
                dataset=dict(type='ForgeryDataset', data_root=f'data/{name}', **_base_.converted),
            )
            for name, number in times.items()
        ],
    ),
)
