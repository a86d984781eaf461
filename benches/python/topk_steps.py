#!/usr/bin/env python3
"""Times a step of a TopK autoencoder by sparsify or SAELens, in turn with ours:
`cargo run --release -p benches --bin results`.

    python3 topk_steps.py THREADS sparsify|SAELens

Each line of standard input asks for one measurement (see `answer.py`):

    topk D DICTIONARY BATCH K topk

A step is what the package's trainer does with a batch: forward pass, loss with its auxiliary part, backward pass, what is
done beside it (sparsify normalises the decoder and removes the parallel part of its gradient; SAELens clips the gradient
and counts firings), and Adam. `workbench/compare.py` takes the steps from here.
"""
import contextlib
import sys
from importlib.metadata import version

import torch


def sparsify_step(d, n, k):
    from sparsify import SparseCoder, SparseCoderConfig

    model = SparseCoder(d, SparseCoderConfig(num_latents=n, k=k))
    adam = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
    idle = torch.zeros(n, dtype=torch.long)

    def step(x):
        model.set_decoder_norm_to_unit_norm()
        out = model(x, dead_mask=idle > 1 << 18)
        (out.fvu + out.auxk_loss / 32).backward()
        model.remove_gradient_parallel_to_decoder_directions()
        adam.step()
        adam.zero_grad()
        idle.add_(len(x))
        idle[out.latent_indices.flatten()] = 0

    return step


def saelens_step(d, n, k):
    from sae_lens import TopKTrainingSAE, TopKTrainingSAEConfig
    from sae_lens.saes.sae import TrainStepInput

    # Its sparse activations have no backward pass on a CPU.
    model = TopKTrainingSAE(TopKTrainingSAEConfig(d_in=d, d_sae=n, k=k, use_sparse_activations=False))
    adam = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
    idle = torch.zeros(n, dtype=torch.long)
    firings = torch.zeros(n)

    def step(x):
        given = TrainStepInput(
            sae_in=x,
            coefficients={},
            dead_neuron_mask=idle > 128,
            n_training_steps=0,
            is_logging_step=False,
        )
        out = model.training_forward_pass(step_input=given)
        with torch.no_grad():
            firing = out.feature_acts.bool().float()
            idle.add_(1)
            idle[firing.sum(-2).bool()] = 0
            firings.add_(firing.sum(0))
        out.loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        adam.zero_grad()

    return step


PEERS = {"sparsify": sparsify_step, "SAELens": saelens_step}

PACKAGES = {"sparsify": "eai-sparsify", "SAELens": "sae-lens"}

if __name__ == "__main__":
    from answer import answer

    threads, name = sys.argv[1:3]
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    # What cannot be imported shows now; what packages have to say while they are is no answer.
    with contextlib.redirect_stdout(sys.stderr):
        PEERS[name](8, 16, 2)

    def build(_, d, n, batch, k, *__):
        step, x = PEERS[name](int(d), int(n), int(k)), torch.randn(int(batch), int(d))
        return lambda: step(x), 1

    answer(version(PACKAGES[name]), build)
