"""Measures what it is asked to, one line of JSON each way:

    {"kind": "loss", "case": "grpo-64x8x256", "seconds": 0.5}
    {"seconds": 0.0047}

The answer is the time of the fastest call. A case is a folder in the current
one, with case.json and arrays in the machine's float32. The result that was
measured lies there afterwards, too.
"""

import json
import sys
import time

import torch

import loss
import update


def measure(call, seconds):
    """The seconds of the fastest call in so many seconds."""
    fastest = float("inf")
    began = at = time.perf_counter()
    while at - began < seconds:
        call()
        now = time.perf_counter()
        fastest, at = min(fastest, now - at), now
    return fastest


def main():
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    prepared = {}
    print(json.dumps({"torch": torch.__version__, "trl": loss.VERSION}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        case = request["case"]
        if case not in prepared:
            prepare = {"loss": loss.prepare, "update": update.prepare}[request["kind"]]
            prepared[case] = prepare(case)
            for _ in range(3):
                prepared[case]()
        print(json.dumps({"seconds": measure(prepared[case], request["seconds"])}), flush=True)


main()
