#!/usr/bin/env python3
"""Times JAX on our training steps, in turn with ours: `cargo run --release -p benches --bin results`.

    python3 jax_steps.py THREADS

Each line of standard input asks for one measurement (see `answer.py`):

    residual D LAYERS BATCH jit     a residual MLP on pairs of one-hot vectors, squared error, Adam
    sae D DICTIONARY BATCH jit      an L1 autoencoder with unit rows, Adam

A step is one compiled function from parameters and moments to new ones, in the room of the old. The input layer is a
gather, and the autoencoder is dense.
"""
import os
import sys

THREADS = int(sys.argv[1])
# XLA has as many threads as cores that it may run on.
if THREADS == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np
from answer import answer

RNG = np.random.default_rng(0)


def normal(*shape, scale=1.0):
    return jnp.asarray(RNG.standard_normal(shape, dtype=np.float32) * np.float32(scale))


def zeros(*shape):
    return jnp.zeros(shape, jnp.float32)


def training_step(loss, parameters):
    """A function that runs one step of Adam on all parameters."""

    def update(weights, gradient, first, second, count):
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient * gradient
        rate = 1e-3 / (1 - 0.9**count)
        root = jnp.sqrt(second / (1 - 0.999**count)) + 1e-8
        return weights - rate * first / root, first, second

    def step(parameters, first, second, count):
        gradients = jax.grad(loss)(parameters)
        leaves, tree = jax.tree.flatten(parameters)
        rest = (jax.tree.leaves(each) for each in (gradients, first, second))
        new = [update(*each, count) for each in zip(leaves, *rest)]
        return [jax.tree.unflatten(tree, each) for each in zip(*new)]

    compiled = jax.jit(step, donate_argnums=(0, 1, 2))
    blank = lambda: jax.tree.map(jnp.zeros_like, parameters)
    state = [parameters, blank(), blank()]
    count = 0

    def run():
        nonlocal state, count
        count += 1
        state = compiled(*state, np.float32(count))
        jax.block_until_ready(state)

    return run


def residual(d, layers, batch):
    scale = d**-0.5
    block = lambda: (normal(d, d, scale=scale), zeros(d), normal(d, d, scale=scale), zeros(d))
    parameters = (normal(d, d, scale=scale), normal(d, d, scale=scale), [block() for _ in range(layers)])
    i, j, classes = (jnp.asarray(RNG.integers(0, d, batch)) for _ in range(3))
    target = jax.nn.one_hot(classes, d, dtype=jnp.float32)

    def loss(parameters):
        first, second, blocks = parameters
        x = first[i] + second[j]
        for w1, b1, w2, b2 in blocks:
            x = x + jax.nn.gelu(x @ w1 + b1, approximate=False) @ w2 + b2
        return jnp.square(x - target).sum(1).mean()

    return training_step(loss, parameters)


def sae(d, n, batch):
    parameters = (normal(d, n, scale=d**-0.5), zeros(n), normal(n, d), zeros(d))
    x = normal(batch, d)

    def loss(parameters):
        encoder, b_enc, rows, b_dec = parameters
        dictionary = rows / jnp.linalg.norm(rows, axis=1, keepdims=True)
        code = jax.nn.relu((x - b_dec) @ encoder + b_enc)
        error = jnp.square(code @ dictionary + b_dec - x).sum(1).mean()
        return error + 0.1 * code.sum(1).mean()

    return training_step(loss, parameters)


def build(kind, *arguments):
    *sizes, _ = arguments
    return {"residual": residual, "sae": sae}[kind](*map(int, sizes)), 1


if __name__ == "__main__":
    answer(jax.__version__, build)
