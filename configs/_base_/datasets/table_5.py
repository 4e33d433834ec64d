# The six test sets of table 5, which forgery_test.py and forgery_train.py build on. Nothing is chosen by test images.
_base_ = './converted.py'
test_sets = ['columbia', 'coverage', 'casia1', 'misd', 'nist16', 'ffpp']
val_dataloader = None
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(type='ForgeryDataset', data_root=f'data/{name}', test_mode=True, **_base_.converted)
            for name in test_sets
        ],
    ),
)
