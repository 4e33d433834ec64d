# focal_hrnet.py, trained on forgeries that are made meanwhile out of clean photographs: docs/guide/synthesis.md.
# Another backbone is another base; validation and test stay those of the base.
_base_ = './focal_hrnet.py'
photographs = 'data/photographs'
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='SynthesizeForgery', recipe='tampcoco', donors=photographs),
    dict(type='Resize', scale={{_base_.scale}}, keep_ratio=False),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs', meta_keys={{_base_.meta_keys}}),
]
train_dataloader = dict(
    dataset=dict(
        data_root=None,
        data_prefix=dict(img_path=photographs, seg_map_path=''),
        pristine_without_mask=True,
        pipeline=train_pipeline,
    )
)
