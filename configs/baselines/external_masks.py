# Masks or score maps that another tool wrote of the test set: name the folder, and how the files are called.
_base_ = '../_base_/as_loaded.py'
model = dict(
    _delete_=True,
    type='ExternalMasks',
    folder='work_dirs/external',
    pattern='{dataset}/{image}.png',
    key='map',
    forged_is='white',
    threshold=0.5,
)
