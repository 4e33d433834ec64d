# What the files of single training sets build on: nothing is validated or tested on other images.
_base_ = './converted.py'
val_dataloader = None
test_dataloader = None
