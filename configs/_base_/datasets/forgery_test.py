# The six test sets of table 5: python tools/test.py CONFIG CHECKPOINT --data configs/_base_/datasets/forgery_test.py
_base_ = './converted.py'
test_sets = ['columbia', 'coverage', 'casia1', 'misd', 'nist16', 'ffpp']
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
