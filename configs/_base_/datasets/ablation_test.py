# The four test sets of tables 2 to 4: python tools/test.py CONFIG CHECKPOINT --data .../ablation_test.py
_base_ = './converted.py'
test_sets = ['casia1', 'misd', 'nist16', 'ffpp']
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
