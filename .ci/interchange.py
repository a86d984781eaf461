"""Holds models that are exchanged with other tools to what these make of them: SAELens, sparsify, sentence-transformers.

    interchange.py HARNESS      the path of the binary

Ours: trained on made-up activations, exported, and loaded there. Theirs: folders of random weights that they save, read
by the harness. Codes (of `harness sae encode`) and reconstructions have to agree to 1e-5 of the largest value. The
module of sentence-transformers is written alone, and decodes with the transpose of the encoder.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import scipy.sparse
import torch
from safetensors.numpy import load_file
from sae_lens import SAE
from sentence_transformers.sparse_encoder.modules import SparseAutoEncoder
from sparsify import SparseCoder, SparseCoderConfig

HARNESS, WIDTH, ELEMENTS, K = str(Path(sys.argv[1]).resolve()), 24, 64, 5
torch.manual_seed(0)
failed = []


def harness(*arguments):
    subprocess.run([HARNESS, "sae", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def saelens(folder, x):
    """Codes and reconstructions as SAELens has them."""
    sae = SAE.load_from_disk(folder, device="cpu", dtype="float32")
    codes = sae.encode(x)
    return codes, sae.decode(codes)


def sparsify(folder, x):
    """Codes and reconstructions as sparsify has them."""
    sae = SparseCoder.load_from_disk(folder)
    values, indices, _ = sae.encode(x)
    codes = torch.zeros(len(x), sae.num_latents).scatter(1, indices, values)
    return codes, sae.decode(values, indices)


def sentence_transformers(folder, x):
    """Codes as the module of sentence-transformers has them in a model, and what it makes of them."""
    sae = SparseAutoEncoder.load(folder).eval()
    with torch.inference_mode():
        codes = sae({"sentence_embedding": x})["sentence_embedding"]
        return codes, sae.decode(codes)


def ours(folder, name):
    """Codes and reconstructions as the harness has them, by way of an export of what it has read."""
    harness("encode", folder, "--data", "x.npy", "--out", f"{name}.npz", "--quiet")
    harness("export", folder, "--to", "saelens", f"{name}-again")
    tensors = load_file(f"{name}-again/sae_weights.safetensors")
    codes = scipy.sparse.load_npz(f"{name}.npz")
    return codes.toarray(), codes @ tensors["W_dec"] + tensors["b_dec"]


def our_transcoder(folder, name, x):
    """The same for a transcoder, whose export of what has been read is for the tool that has such a one."""
    harness("encode", folder, "--data", "x.npy", "--out", f"{name}.npz", "--quiet")
    codes = scipy.sparse.load_npz(f"{name}.npz")
    tool = "sparsify" if Path(folder, "sae.safetensors").exists() else "saelens"
    harness("export", folder, "--to", tool, f"{name}-again")
    (weights,) = Path(f"{name}-again").glob("*.safetensors")
    tensors = load_file(weights)
    made = codes @ tensors["W_dec"] + tensors["b_dec"]
    skip = tensors.get("W_skip")
    return codes.toarray(), made if skip is None else made + x.numpy() @ skip.T


def hold(name, found, expected):
    """Compares codes and reconstructions."""
    pairs = list(zip(found, expected))
    apart = [np.abs(np.asarray(a) - np.asarray(b)).max() / np.abs(np.asarray(b)).max() for a, b in pairs]
    l0 = (np.asarray(expected[0]) > 0).sum(1).mean()
    print(f"{name:36} codes {apart[0]:.1e}, reconstructions {apart[1]:.1e}, L0 {l0:.1f}")
    if not (max(apart) <= 1e-5 and l0 > 0):
        failed.append(name)


def to_them(x):
    """Trained here, loaded there; what has no equal there is refused."""
    for variant, flags in [
        ("topk", ["--k", K]),
        ("batch-topk", ["--k", K]),
        ("matryoshka", ["--k", K]),
        ("jumprelu", ["--lambda", 0.1, "--set", "threshold=0.5", "--set", "bandwidth=0.5"]),
        ("l1", ["--lambda", 0.1]),
        ("l1-tied", ["--lambda", 0.1]),
        ("gated", ["--lambda", 0.1]),
        ("two-layer", ["--lambda", 0.1]),
        ("lista", ["--lambda", 0.1]),
    ]:
        shape = ["--elements", ELEMENTS, "--samples", 20000, "--batch", 64, "--rate", 0.0005, "--baselines", "none"]
        harness("train", "x.npy", "--variant", variant, *flags, *shape, "--quiet", "--out", variant)
        (model,) = Path(variant, "models").glob(f"{variant}-*")
        if variant in ("two-layer", "lista"):
            refused(model, "saelens")
        else:
            expected = ours(model, f"our-{variant}")
            hold(f"our {variant} in SAELens", saelens(f"our-{variant}-again", x), expected)
        if variant == "topk":
            harness("export", model, "--to", "sparsify", "our-sparsify")
            hold("our topk in sparsify", sparsify("our-sparsify", x), expected)
            harness("export", model, "--to", "sentence-transformers", "our-module")
            tensors = load_file(f"our-{variant}-again/sae_weights.safetensors")
            transposed = expected[0], expected[0] @ tensors["W_enc"].T + tensors["b_dec"]
            hold("our topk in sentence-transformers", sentence_transformers("our-module", x), transposed)
        else:
            refused(model, "sparsify")
            refused(model, "sentence-transformers")


def refused(model, tool):
    """Holds that a model is not exported to a tool that cannot represent it."""
    command = [HARNESS, "sae", "export", model, "--to", tool, "refused"]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 2 or "no variant like" not in result.stderr or Path("refused").exists():
        failed.append(f"{model} to {tool}, which should be refused")


def from_saelens(x):
    """Random weights in every setting that is read; then back again."""
    shape = {"d_in": WIDTH, "d_sae": ELEMENTS}
    raw, half = {"apply_b_dec_to_input": False}, {"dtype": "bfloat16"}
    by_norm = {"rescale_acts_by_decoder_norm": True}
    for name, architecture, settings in [
        ("standard", "standard", {}),
        ("standard-raw", "standard", raw),
        ("standard-half", "standard", half),
        ("topk", "topk", {"k": K}),
        ("topk-by-norm-raw", "topk", {"k": K, **by_norm, **raw}),
        ("jumprelu", "jumprelu", {}),
        ("jumprelu-half-raw", "jumprelu", {**half, **raw}),
        ("gated", "gated", {}),
        ("gated-raw", "gated", raw),
    ]:
        sae = SAE.from_dict({"architecture": architecture, **shape, **settings})
        with torch.no_grad():
            for parameter in sae.parameters():
                parameter.normal_(std=0.3)
        sae.save_model(name)
        expected = saelens(name, x)
        hold(f"{name} of SAELens", ours(name, f"their-{name}"), expected)
        hold(f"{name} of SAELens, and back", saelens(f"their-{name}-again", x), expected)


def from_sparsify(x):
    """Random weights; the number of elements is said, or follows from the width."""
    for name, size in [("said", {"num_latents": ELEMENTS}), ("implied", {"expansion_factor": 3})]:
        sae = SparseCoder(WIDTH, SparseCoderConfig(k=K, **size))
        with torch.no_grad():
            for parameter in sae.parameters():
                parameter.normal_(std=0.3)
        sae.save_to_disk(name)
        hold(f"topk of sparsify, size {name}", ours(name, f"their-{name}"), sparsify(name, x))


def transcoders(x):
    """Random weights of SAELens and of sparsify, with and without a skip connection; then back again."""
    shape = {"d_in": WIDTH, "d_out": 2 * WIDTH, "d_sae": ELEMENTS, "apply_b_dec_to_input": False}
    for name in ["transcoder", "skip_transcoder", "jumprelu_transcoder", "jumprelu_skip_transcoder"]:
        made = SAE.from_dict({"architecture": name, **shape})
        for parameter in made.parameters():
            parameter.normal_(std=0.3)
        made.save_model(name)
        loaded = SAE.load_from_disk(name, device="cpu", dtype="float32")
        expected = loaded.encode(x), loaded(x)
        hold(f"{name} of SAELens", our_transcoder(name, f"their-{name}", x), expected)
        again = SAE.load_from_disk(f"their-{name}-again", device="cpu", dtype="float32")
        hold(f"{name} of SAELens, and back", (again.encode(x), again(x)), expected)
    for name, skip in [("transcode", False), ("transcode-skip", True)]:
        made = SparseCoder(WIDTH, SparseCoderConfig(k=K, num_latents=ELEMENTS, transcode=True, skip_connection=skip))
        for parameter in made.parameters():
            parameter.normal_(std=0.3)
        made.save_to_disk(name)
        expected = sparsify(name, x)[0], SparseCoder.load_from_disk(name)(x).sae_out
        hold(f"{name} of sparsify", our_transcoder(name, f"their-{name}", x), expected)
        again = SparseCoder.load_from_disk(f"their-{name}-again")
        found = sparsify(f"their-{name}-again", x)[0], again(x).sae_out
        hold(f"{name} of sparsify, and back", found, expected)


def trained_transcoders(x):
    """Trained here, loaded there: another width in SAELens, the same in sparsify."""
    y = torch.relu(x @ torch.randn(WIDTH, WIDTH)) @ torch.randn(WIDTH, 2 * WIDTH) - 1
    np.save("wide.npy", y.numpy())
    np.save("same.npy", y[:, :WIDTH].numpy())
    for variant, flags, target in [
        ("l1", ["--lambda", 0.1], "wide.npy"),
        ("jumprelu", ["--lambda", 0.1], "wide.npy"),
        ("topk", ["--k", K], "same.npy"),
    ]:
        run = f"transcoder-{variant}"
        shape = ["--elements", ELEMENTS, "--samples", 20000, "--batch", 64, "--rate", 0.0005, "--baselines", "none"]
        to = ["--target", target, "--skip-connection", "--out", run]
        harness("train", "x.npy", "--variant", variant, *flags, *shape, *to, "--quiet")
        (model,) = Path(run, "models").glob(f"{variant}-*")
        tool = "sparsify" if variant == "topk" else "saelens"
        harness("export", model, "--to", tool, f"our-{run}")
        expected = our_transcoder(f"our-{run}", f"again-{run}", x)
        if tool == "saelens":
            loaded = SAE.load_from_disk(f"our-{run}", device="cpu", dtype="float32")
            found = loaded.encode(x), loaded(x)
        else:
            found = sparsify(f"our-{run}", x)[0], SparseCoder.load_from_disk(f"our-{run}")(x).sae_out
        hold(f"our transcoder {variant} in {tool}", found, expected)


def main():
    x = torch.relu(torch.randn(500, ELEMENTS) - 1.5) @ torch.randn(ELEMENTS, WIDTH) + 0.5
    np.save("x.npy", x.numpy())
    with torch.no_grad():
        to_them(x)
        from_saelens(x)
        from_sparsify(x)
        transcoders(x)
        trained_transcoders(x)
    if failed:
        sys.exit("further apart than 1e-5: " + ", ".join(failed))


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    main()
