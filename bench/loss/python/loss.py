"""TRL's own loss on log-probabilities that are given in place of a model's."""

from collections import defaultdict
from types import SimpleNamespace

import torch
import trl
from accelerate import Accelerator
from trl import GRPOConfig, GRPOTrainer

import arrays

VERSION = trl.__version__


def default(name):
    return GRPOConfig.__dataclass_fields__[name].default


class Trainer(GRPOTrainer):
    """A trainer of which _compute_loss alone is used."""

    def __init__(self, case, log_probs, entropies):  # noqa: the parent's loads a model
        self.log_probs, self.entropies = log_probs, entropies
        self.loss_type, self.importance_sampling_level = case["loss"], case["level"]
        self.epsilon_low, self.epsilon_high = case["low"], case["high"]
        self.beta, self.max_completion_length = case["kl"], case["tokens"]
        self.args = SimpleNamespace(
            delta=None,
            steps_per_generation=1,
            use_bias_correction_kl=default("use_bias_correction_kl"),
        )
        self.accelerator, self.model = Accelerator(cpu=True), SimpleNamespace(training=True)
        self.current_gradient_accumulation_steps = 1
        self.top_entropy_quantile, self.off_policy_mask_threshold = 1.0, None
        self.use_vllm = self.aux_loss_enabled = self._entropy_bonus_enabled = False
        self._metrics = defaultdict(lambda: defaultdict(list))

    def _get_per_token_logps_and_entropies(self, *args, **options):
        return self.log_probs, self.entropies, None


def prepare(folder):
    """The call that is measured. Its loss and gradient are written once."""
    case = arrays.case(folder)
    lengths = arrays.read(folder, "lengths", "int32").long()
    mask = torch.arange(case["tokens"]).unsqueeze(0) < lengths.unsqueeze(1)

    def padded(name):
        matrix = torch.zeros(mask.shape)
        matrix[mask] = arrays.read(folder, name)
        return matrix

    log_probs = padded("log_probs").requires_grad_()
    trainer = Trainer(case, log_probs, torch.zeros(mask.shape))
    ids = torch.zeros(mask.shape, dtype=torch.long)
    completion_mask = mask.int()
    inputs = {
        "prompt_ids": ids[:, :0],
        "prompt_mask": completion_mask[:, :0],
        "completion_ids": ids,
        "completion_mask": completion_mask,
        "advantages": arrays.read(folder, "advantages"),
        "old_per_token_logps": padded("old"),
        "ref_per_token_logps": padded("reference"),
        "num_items_in_batch": completion_mask.sum(),
    }

    def call():
        log_probs.grad = None
        value = trainer._compute_loss(trainer.model, inputs)
        value.backward()
        trainer._metrics.clear()
        return value

    arrays.write(folder, "loss", call().reshape(1))
    arrays.write(folder, "gradient", log_probs.grad[mask])
    return call
