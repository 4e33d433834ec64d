# The training augmentation of the authors' released code, transform by transform, without albumentations:
# docs/guide/robustness.md has the table. Nothing is seeded by the image here: every pass draws anew.
_drawn = dict(seed=None)
_moves = [
    dict(type='RandomApply', prob=0.75, transforms=[dict(type='RandomScale', factor=(0.5, 1.0))]),
    dict(type='PadIfNeeded', size=(1024, 1024), mode='reflect'),
    dict(type='RandomApply', prob=0.75, transforms=[dict(type='RandomD4')]),
]
_jpeg = dict(type='JPEGCompression', quality=(50, 95), **_drawn)
_blurs = [
    [dict(type='BoxBlur', kernel=(3, 7))],
    [dict(type='GaussianBlur', kernel=(3, 7), **_drawn)],
    [dict(type='MedianBlur', kernel=(3, 7))],
    [dict(type='MotionBlur', kernel=(3, 7))],
]
_grains = [
    [dict(type='Downscale', factor=0.25)],
    [dict(type='GaussianNoise', variance=(10.0, 50.0), **_drawn)],
    [dict(type='ISONoise', hue=(0.01, 0.05), intensity=(0.1, 0.5))],
    [dict(type='BrightnessContrast', contrast=(0.8, 1.2), brightness=(-0.2, 0.2))],
    [dict(type='GammaCorrection', gamma=(0.8, 1.2), **_drawn)],
    [dict(type='RandomToneCurve', scale=0.1)],
    [dict(type='Sharpen', share=(0.2, 0.5), lightness=(0.5, 1.0))],
]
_warps = [
    [dict(type='ElasticTransform', alpha=120.0, sigma=6.0, affine=3.6)],
    [dict(type='GridDistortion', cells=5, limit=0.3)],
]
_families = [[dict(type='RandomChoice', transforms=family)] for family in (_blurs, _grains, _warps)]
augmentation = dict(
    type='RandomApply',
    prob=0.75,
    transforms=[
        *_moves,
        dict(type='RandomApply', prob=0.75, transforms=[_jpeg]),
        dict(type='RandomApply', prob=0.25, transforms=[dict(type='RandomChoice', transforms=_families)]),
    ],
)
del _drawn, _moves, _jpeg, _blurs, _grains, _warps, _families
