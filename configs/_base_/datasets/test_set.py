# What the files of single test sets build on: nothing is trained or validated on other images.
_base_ = './converted.py'
train_dataloader = None
val_dataloader = None
