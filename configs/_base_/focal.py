# Everything of the paper's setting but the backbone.
_base_ = ['./models/focal.py', './datasets/forgery.py', './schedules/adam_40k.py', './default_runtime.py']
