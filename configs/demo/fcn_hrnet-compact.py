# "Traditional" at the demo's scale: the demo's compact HRNet, classified under cross-entropy by mmseg's FCN head.
_base_ = ['./focal_hrnet-compact.py', '../_base_/models/fcn_compact.py']
model = dict(type='EncoderDecoder', decode_head={{_base_.fcn_compact}})
