# tampCOCO, splices (SP-COCO), to train on: python tools/prepare_data.py tampcoco-sp SOURCE
_base_ = './train_set.py'
train_dataloader = dict(dataset=dict(data_root='data/tampcoco-sp'))
