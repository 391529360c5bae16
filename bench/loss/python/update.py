"""An update of the countdown policies in PyTorch: forward, loss, backward, Adam."""

import torch

import arrays


def prepare(folder):
    """The call that is measured. The gradient of the first is written."""
    case = arrays.case(folder)
    width = case["width"]
    sizes = arrays.read(folder, "candidates", "int32").long()
    chosen = arrays.read(folder, "chosen", "int32").long()
    advantages = arrays.read(folder, "advantages")
    mask = torch.arange(int(sizes.max())).unsqueeze(0) < sizes.unsqueeze(1)
    features = torch.zeros((*mask.shape, width))
    features[mask] = arrays.read(folder, "features").reshape(-1, width)
    weights = arrays.read(folder, "weights")

    if case["hidden"]:
        model = torch.nn.Sequential(
            torch.nn.Linear(width, case["hidden"]), torch.nn.ReLU(), torch.nn.Linear(case["hidden"], 1, bias=False)
        )
    else:
        model = torch.nn.Linear(width, 1, bias=False)
    torch.nn.utils.vector_to_parameters(weights.clone(), model.parameters())
    optimizer = torch.optim.Adam(model.parameters(), lr=case["rate"])

    def call():
        optimizer.zero_grad()
        scores = model(features).squeeze(-1).masked_fill(~mask, -torch.inf)
        log_probs = torch.log_softmax(scores, dim=-1).gather(1, chosen.unsqueeze(1)).squeeze(1)
        ratio = torch.exp(log_probs - log_probs.detach())
        value = -torch.min(ratio * advantages, ratio.clamp(0.8, 1.2) * advantages).mean()
        value.backward()
        optimizer.step()

    call()
    arrays.write(folder, "gradient", torch.nn.utils.parameters_to_vector(p.grad for p in model.parameters()))
    return call
