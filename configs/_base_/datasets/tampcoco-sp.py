# tampCOCO, splices (SP-COCO), to train on: python tools/prepare_data.py tampcoco-sp SOURCE
_base_ = './converted.py'
train_dataloader = dict(dataset=dict(data_root='data/tampcoco-sp'))
