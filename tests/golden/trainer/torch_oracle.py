#!/usr/bin/python3
"""Losses, gradients and optimizer steps of small networks, as PyTorch computes them in binary64.

Usage: torch_oracle.py SEED OUTPUT.json       torch_golden.json was made with SEED = 1

Exits with 77 where PyTorch is not installed. Weights and inputs are binary32 values drawn from the seed. Each case holds
the parameters in the order weight, bias, weight, bias, ..., the losses of the examples and the gradients of their mean;
`trained` holds the parameters after 12 full-batch steps of the optimizer.
"""

import json
import sys

try:
    import torch
except ImportError:
    print("PyTorch is not installed")
    sys.exit(77)

ROWS = 7
STEPS = 12
HIDDEN = [[], [5], [6, 4, 5]]
OPTIMIZERS = [
    {"kind": "sgd", "learning_rate": 0.1, "momentum": 0.0},
    {"kind": "sgd", "learning_rate": 0.05, "momentum": 0.9},
    {"kind": "adam", "learning_rate": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    {"kind": "adam", "learning_rate": 0.02, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-3},
]
# (loss, classes)
LOSSES = [("softmax", 3), ("softmax", 2), ("bce", 2), ("bce", 4), ("mse", 2), ("mse", 3)]


class Network(torch.nn.Module):
    def __init__(self, inputs, hidden, outputs, sum_of_units):
        super().__init__()
        widths = [inputs] + hidden + ([] if sum_of_units else [outputs])
        self.layers = torch.nn.ModuleList(torch.nn.Linear(a, b) for a, b in zip(widths, widths[1:]))
        self.sum_of_units = sum_of_units

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        x = self.layers[-1](x)
        return torch.relu(x).sum(1, keepdim=True) if self.sum_of_units else x


def example_losses(loss, outputs, labels):
    if loss == "softmax":
        return torch.nn.functional.cross_entropy(outputs, labels, reduction="none")
    if outputs.shape[1] == 1:
        targets = labels.double()[:, None]
    else:
        targets = torch.nn.functional.one_hot(labels, outputs.shape[1]).double()
    function = {
        "bce": torch.nn.functional.binary_cross_entropy_with_logits,
        "mse": torch.nn.functional.mse_loss,
    }[loss]
    return function(outputs, targets, reduction="none").mean(1)


def make_optimizer(settings, parameters):
    if settings["kind"] == "sgd":
        return torch.optim.SGD(parameters, settings["learning_rate"], momentum=settings["momentum"])
    return torch.optim.Adam(
        parameters,
        settings["learning_rate"],
        betas=(settings["beta1"], settings["beta2"]),
        eps=settings["epsilon"],
    )


def flat(tensors):
    return [t.detach().flatten().tolist() for t in tensors]


def make_case(hidden, loss, classes, optimizer_settings, sum_of_units=False):
    inputs = 3
    outputs = classes if loss == "softmax" or classes > 2 else 1
    network = Network(inputs, hidden, outputs, sum_of_units)
    network.double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape).mul(0.7).float().double())
    x = torch.randn(ROWS, inputs).float().double()
    labels = torch.randint(0, classes, (ROWS,))
    case = {
        "inputs": inputs,
        "hidden": hidden,
        "outputs": outputs,
        "sum_of_units": sum_of_units,
        "loss": loss,
        "optimizer": optimizer_settings,
        "steps": STEPS,
        "parameters": flat(network.parameters()),
        "x": x.flatten().tolist(),
        "labels": labels.tolist(),
    }
    optimizer = make_optimizer(optimizer_settings, network.parameters())
    for step in range(STEPS):
        optimizer.zero_grad()
        losses = example_losses(loss, network(x), labels)
        losses.mean().backward()
        if step == 0:
            case["losses"] = losses.tolist()
            case["gradients"] = flat(p.grad for p in network.parameters())
        optimizer.step()
    case["trained"] = flat(network.parameters())
    return case


def main():
    torch.manual_seed(int(sys.argv[1]))
    cases = []
    for number, (loss, classes) in enumerate(LOSSES):
        for depth, hidden in enumerate(HIDDEN):
            settings = OPTIMIZERS[(number + depth) % len(OPTIMIZERS)]
            cases.append(make_case(hidden, loss, classes, settings))
    cases.append(make_case([4], "mse", 2, OPTIMIZERS[2], sum_of_units=True))
    with open(sys.argv[2], "w") as file:
        json.dump({"torch": torch.__version__, "cases": cases}, file)
        file.write("\n")


main()
