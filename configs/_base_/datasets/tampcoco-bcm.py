# tampCOCO, copy-moves of RAISE (CM-RAISE), to train on: python tools/prepare_data.py tampcoco-bcm SOURCE
_base_ = './train_set.py'
train_dataloader = dict(dataset=dict(data_root='data/tampcoco-bcm'))
