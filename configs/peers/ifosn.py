# IF-OSN of table 1 as released: docs/guide/ifosn.md tells where its weights are. Nothing is trained here.
_base_ = [
    '../_base_/models/ifosn.py',
    '../_base_/datasets/native_size.py',
    '../_base_/schedules/adam_40k.py',
    '../_base_/default_runtime.py',
]
train_dataloader = train_cfg = optim_wrapper = param_scheduler = None
val_dataloader = val_cfg = val_evaluator = None
