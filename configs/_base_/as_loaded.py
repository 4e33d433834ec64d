# For models that take the image as it is, at its own size and in grey levels. There is nothing to train.
_base_ = ['./models/focal.py', './datasets/native_size.py', './schedules/adam_40k.py', './default_runtime.py']
train_dataloader = train_cfg = optim_wrapper = param_scheduler = None
val_dataloader = val_cfg = val_evaluator = None
