"""CheckpointFitHook in real runners: a run with the checkpoint of another model stops."""

from pathlib import Path

import pytest
import torch
from mmseg.registry import MODELS

pytestmark = pytest.mark.filterwarnings('ignore:The shape of value will convert')


def assert_has(model: torch.nn.Module, checkpoint: Path) -> None:
    expected = torch.load(checkpoint, weights_only=False)['state_dict']
    assert expected.keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value.cpu(), expected[name].cpu(), rtol=0, atol=0)


def wrapped(model: torch.nn.Module, tta: str | None) -> torch.nn.Module:
    return MODELS.build(dict(type=tta, module=model)) if tta else model


@pytest.mark.parametrize('tta', (None, 'FOCALTTAModel', 'SegTTAModel'))
def test_testing_takes_the_models_own_checkpoint(runner, toy, trained, tta) -> None:
    model = toy()
    views = 2 if tta else 0
    assert runner(wrapped(model, tta), views=views, load_from=str(trained)).test() == {'toy/tested': 2}
    assert_has(model, trained)


@pytest.mark.parametrize('tta', (None, 'FOCALTTAModel', 'SegTTAModel'))
def test_testing_refuses_a_checkpoint_of_another_width(runner, toy, trained, tta) -> None:
    run = runner(wrapped(toy(width=4), tta), views=2 if tta else 0, load_from=str(trained))
    with pytest.raises(ValueError, match=r'iter_1\.pth does not fit') as caught:
        run.test()
    assert 'layer.weight: (3, 2) in the checkpoint, (4, 2) in the model' in str(caught.value)
    assert '(2 differences)' in str(caught.value)


def test_testing_refuses_a_checkpoint_that_lacks_a_weight(runner, toy, trained) -> None:
    content = torch.load(trained, weights_only=False)
    del content['state_dict']['layer.bias']
    torch.save(content, trained)
    with pytest.raises(ValueError, match=r'missing: layer\.bias'):
        runner(toy(), load_from=str(trained)).test()


def test_testing_takes_a_checkpoint_of_a_distributed_training(runner, toy, trained) -> None:
    state = torch.load(trained, weights_only=False)['state_dict']
    path = trained.with_name('distributed.pth')
    torch.save({f'module.{name}': value for name, value in state.items()}, path)
    model = toy()
    runner(model, load_from=str(path)).test()
    assert_has(model, trained)


def test_testing_refuses_a_file_without_weights(runner, toy, tmp_path) -> None:
    torch.save([1, 2], tmp_path / 'list.pth')
    with pytest.raises(ValueError, match=r'list\.pth holds no state dict'):
        runner(toy(), load_from=str(tmp_path / 'list.pth')).test()


def test_testing_without_a_checkpoint_is_none_of_its_business(runner, toy) -> None:
    assert runner(toy()).test() == {'toy/tested': 2}


@pytest.mark.parametrize('automatically', (True, False))
def test_a_training_resumes_from_its_own_checkpoint(runner, toy, trained, automatically) -> None:
    resumed = runner(toy(), train=True, iters=2, resume=True, load_from=None if automatically else str(trained))
    resumed.train()
    assert resumed.iter == 2
    assert resumed.message_hub.get_scalar('train/loss').data[0].size == 2


@pytest.mark.parametrize(('automatically', 'source'), ((True, 'work'), (False, r'iter_1\.pth')))
def test_a_training_does_not_resume_from_another_models(runner, toy, trained, automatically, source) -> None:
    options = dict(resume=True, load_from=None if automatically else str(trained))
    with pytest.raises(ValueError, match=rf'{source} does not fit'):
        runner(toy(width=4), train=True, iters=2, **options).train()


def test_a_training_may_start_from_weights_that_fit_in_part(runner, toy, trained) -> None:
    model = toy(width=4)
    shared = torch.load(trained, weights_only=False)['state_dict']['shared']
    assert not torch.equal(model.shared, shared)
    runner(model, train=True, load_from=str(trained)).train()
    torch.testing.assert_close(model.shared.detach().cpu(), shared.cpu(), rtol=0, atol=0)


def test_a_training_does_not_start_from_weights_with_nothing_in_common(runner, toy, trained) -> None:
    with pytest.raises(ValueError, match=r'iter_1\.pth has nothing in common .*\(5 differences\).*init_cfg'):
        runner(toy(layer='other'), train=True, load_from=str(trained)).train()
