"""Configs of data sets within others."""

from focal_mmseg.datasets.wrapped import iter_dataset_configs


def test_the_single_sets_are_found_in_order_themselves() -> None:
    one, two, three = (dict(type='ForgeryDataset', data_root=name) for name in 'abc')
    repeated = dict(type='RepeatDataset', times=3, dataset=dict(type='ConcatDataset', datasets=[one, two]))
    found = list(iter_dataset_configs(dict(type='ConcatDataset', datasets=[repeated, three])))
    assert [id(each) for each in found] == [id(one), id(two), id(three)]
    assert next(iter_dataset_configs(one)) is one
    assert list(iter_dataset_configs(dict(type='ForgeryDataset', dataset=None))) == [
        dict(type='ForgeryDataset', dataset=None)
    ]
