# tampCOCO, copy-moves of compressed RAISE (CM-C-RAISE), to train on: python tools/prepare_data.py tampcoco-bcmc SOURCE
_base_ = './train_set.py'
train_dataloader = dict(dataset=dict(data_root='data/tampcoco-bcmc'))
