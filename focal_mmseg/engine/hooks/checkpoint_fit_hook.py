"""Refuses to test with a checkpoint of another model."""

from mmengine.hooks import Hook
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop
from mmseg.registry import HOOKS

from focal_mmseg.engine.checkpoint import extract_state_dict, find_misfits, require_fit


@HOOKS.register_module()
class CheckpointFitHook(Hook):
    """Stops a run whose checkpoint is not of the config's model.

    mmengine loads what fits and only warns of the rest, so that a network with random weights would be tested in
    silence. Resuming needs an exact fit, testing one of all that tests (:func:`drop_training_state`); a ``load_from``
    to start a training from must share something.
    """

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare before the weights go into the model.

        Raises:
            ValueError: If they do not fit.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        model = model.module if isinstance(model, BaseTTAModel) else model
        source = f'the checkpoint {runner._load_from or f"to resume from in {runner.work_dir}"}'
        state = {name.removeprefix('module.'): value for name, value in extract_state_dict(checkpoint, source).items()}
        is_training = isinstance(runner._train_loop, BaseLoop)
        if is_training and not runner._resume:
            if not any(
                name in state and state[name].shape == value.shape for name, value in model.state_dict().items()
            ):
                raise ValueError(
                    f'{source} has nothing in common with the model ({len(find_misfits(model, state))} differences): '
                    'change load_from; weights of a backbone alone go into '
                    "model.backbone.init_cfg=dict(type='Pretrained', checkpoint=...)"
                )
            return
        require_fit(model, state, source, to_test=not is_training)
