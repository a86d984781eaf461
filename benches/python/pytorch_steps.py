#!/usr/bin/env python3
"""Times PyTorch on our training steps, in turn with ours: `cargo run --release -p benches --bin results`.

    python3 pytorch_steps.py THREADS

Each line of standard input asks for one measurement (see `answer.py`):

    residual D LAYERS BATCH MODE     a residual MLP on pairs of one-hot vectors, squared error, fused Adam
    sae D DICTIONARY BATCH MODE      an L1 autoencoder with unit rows, fused Adam
    gelu LENGTH forward|backward     exact GELU, in cache

MODE is `eager` or `compile`. The input layer is a gather, and the autoencoder is dense, as PyTorch users write them.
"""
import math
import sys

import torch
import torch.nn.functional as F
from answer import answer


def training_step(loss, parameters, mode):
    """A function that runs one step of Adam."""
    adam = torch.optim.Adam(parameters, lr=1e-3, fused=True)
    run = torch.compile(loss) if mode == "compile" else loss

    def step():
        adam.zero_grad(set_to_none=True)
        run().backward()
        adam.step()

    return step


def residual(d, layers, batch, mode):
    def weights(*shape):
        return torch.nn.Parameter(torch.randn(*shape) / math.sqrt(d))

    first, second = weights(d, d), weights(d, d)
    blocks = [
        (weights(d, d), torch.nn.Parameter(torch.zeros(d)), weights(d, d), torch.nn.Parameter(torch.zeros(d)))
        for _ in range(layers)
    ]
    i, j, classes = (torch.randint(0, d, (batch,)) for _ in range(3))
    target = F.one_hot(classes, d).float()

    def loss():
        x = first[i] + second[j]
        for w1, b1, w2, b2 in blocks:
            x = x + F.linear(F.gelu(F.linear(x, w1, b1)), w2, b2)
        return (x - target).square().sum(1).mean()

    return training_step(loss, [first, second, *(p for block in blocks for p in block)], mode)


def sae(d, n, batch, mode):
    encoder = torch.nn.Parameter(torch.randn(n, d) / math.sqrt(d))
    rows = torch.nn.Parameter(torch.randn(n, d))
    b_enc, b_dec = torch.nn.Parameter(torch.zeros(n)), torch.nn.Parameter(torch.zeros(d))
    x = torch.randn(batch, d)

    def loss():
        dictionary = F.normalize(rows, dim=1)
        code = F.relu(F.linear(x - b_dec, encoder, b_enc))
        error = (code @ dictionary + b_dec - x).square().sum(1).mean()
        return error + 0.1 * code.sum(1).mean()

    return training_step(loss, [encoder, b_enc, rows, b_dec], mode)


def gelu(length, direction):
    x = torch.randn(length)
    many = range(200)
    if direction == "forward":
        return lambda: [F.gelu(x) for _ in many], len(many)
    d_y = torch.randn(length)
    return lambda: [torch.ops.aten.gelu_backward(d_y, x) for _ in many], len(many)


def build(kind, *arguments):
    if kind == "gelu":
        return gelu(int(arguments[0]), arguments[1])
    *sizes, mode = arguments
    return {"residual": residual, "sae": sae}[kind](*map(int, sizes), mode), 1


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]))
    torch.manual_seed(0)
    answer(torch.__version__, build)
