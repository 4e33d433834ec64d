# ifosn_retrained.py under the noise of social networks, whose U-Net comes from the authors' OSN_UNet_weights.pth.
_base_ = './ifosn_retrained.py'
model = dict(
    noise=dict(type='OSNNoise', size={{_base_.crop_size}}, checkpoint='weights/osn_unet.pth', quality=95, entries=32),
)
