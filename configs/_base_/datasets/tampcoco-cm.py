# tampCOCO, copy-moves (CM-COCO), to train on: python tools/prepare_data.py tampcoco-cm SOURCE
_base_ = './train_set.py'
train_dataloader = dict(dataset=dict(data_root='data/tampcoco-cm'))
