# The demo's two networks, clustered together: docs/notes/fusion.md.
_base_ = '../_base_/fusion.py'
model = dict(
    members=[
        dict(config='{{ fileDirname }}/focal_hrnet-compact.py', checkpoint='work_dirs/demo/trained.pth'),
        dict(config='{{ fileDirname }}/focal_mit-compact.py', checkpoint='work_dirs/demo/mit/iter_600.pth'),
    ],
)
test_dataloader = dict(
    num_workers=1,
    dataset=dict(
        dataset_name='demo',
        data_root='work_dirs/demo/data/test',
        data_prefix=dict(img_path='images', seg_map_path='masks'),
    ),
)
