"""Arrays in files, as the Go side writes and reads them."""

import json
import os

import numpy
import torch


def case(folder):
    with open(os.path.join(folder, "case.json")) as file:
        return json.load(file)


def read(folder, name, kind="float32"):
    return torch.from_numpy(numpy.fromfile(os.path.join(folder, name), dtype=kind))


def write(folder, name, array):
    array.detach().contiguous().numpy().astype("float32").tofile(os.path.join(folder, name))
