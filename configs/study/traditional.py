# The study's network under cross-entropy: the "Traditional" row of table 2.
_base_ = ['./focal.py', '../_base_/models/fcn_compact.py']
model = dict(type='EncoderDecoder', decode_head={{_base_.fcn_compact}})
