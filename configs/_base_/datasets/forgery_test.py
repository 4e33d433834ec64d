# The six test sets of table 5: python tools/test.py CONFIG CHECKPOINT --data configs/_base_/datasets/forgery_test.py
_base_ = './table_5.py'
train_dataloader = None
