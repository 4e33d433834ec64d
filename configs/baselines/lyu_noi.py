# Lyu-NOI of table 1: the noise level around each point by kurtosis, in two clusters. No training, no checkpoint.
_base_ = '../_base_/as_loaded.py'
model = dict(_delete_=True, type='LyuNOI')
