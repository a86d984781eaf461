#!/usr/bin/env python3
"""Times the training of one TopK autoencoder by `harness sae train`, sparsify and SAELens, in turn on the same file.

    cargo build --release && python3 benches/workbench/compare.py

needs torch, eai-sparsify and sae-lens (`pip install eai-sparsify==1.3.3 sae-lens==6.54.12`) and a quiet machine. It writes
workbench.csv and workbench.md to this machine's folder in benches/results; `cargo run --release -p benches --bin results
page` then puts the latter on benches/RESULTS.md.

The file holds sums of a few of as many random directions as the dictionary has elements, and is made if it is not there.
Peers take the batches from memory, and only their steps are timed: forward pass, loss with its auxiliary part, backward
pass, what their trainers do beside it (sparsify normalises the decoder and removes the parallel part of its gradient;
SAELens clips the gradient and counts firings), and Adam. Ours is timed as a user meets it: the steps as `sae train` tells
them at its end, and the time of the whole command.
"""
import argparse
import csv
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE / "python"))
D, N, BATCH, K = 512, 4096, 2048, 32
NAMES = ["sparsify", "SAELens"]


def make(path, rows):
    """A .npy of `rows` rows in single precision, written a piece at a time."""
    import numpy as np

    rng = np.random.default_rng(0)
    directions = rng.standard_normal((N, D), dtype=np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    temporary = path.with_suffix(".tmp")
    file = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.float32, shape=(rows, D))
    piece = 4096
    for start in range(0, rows, piece):
        count = min(piece, rows - start)
        x = 0.01 * rng.standard_normal((count, D), dtype=np.float32)
        for _ in range(K):
            which = rng.integers(0, N, count)
            x += directions[which] * rng.exponential(1.0, (count, 1)).astype(np.float32)
        file[start : start + count] = x
    file.flush()
    temporary.rename(path)


# What a peer's process does: `peer NAME THREADS STEPS FILE` prints the seconds of each step.


def peer(name, threads, steps, path):
    import numpy as np
    import torch
    from topk_steps import PEERS

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    rows = np.load(path, mmap_mode="r")
    rng = np.random.default_rng(0)
    step = PEERS[name](D, N, K)
    for _ in range(steps):
        x = torch.from_numpy(rows[np.sort(rng.integers(0, len(rows), BATCH))])
        begun = time.perf_counter()
        step(x)
        print(time.perf_counter() - begun)


def time_peer(name, threads, steps, path):
    """Seconds of a step: the median, without the first two."""
    command = [sys.executable, __file__, "peer", name, str(threads), str(steps + 2), str(path)]
    environment = os.environ | {"SPARSIFY_DISABLE_TRITON": "1", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": str(threads)}
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(f"{name} ended with\n{run.stderr}")
    # Libraries may have had something to say before.
    return statistics.median(map(float, run.stdout.splitlines()[-steps:]))


def time_training(harness, threads, options):
    """Seconds of the whole command and of its parts, as it tells them, and the largest resident size in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        command = [harness, "sae", "train", *options, "--threads", threads, "--quiet", "--out", f"{folder}/out"]
        command += ["--baselines", "none"]
        begun = time.perf_counter()
        child = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
        text = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        whole = time.perf_counter() - begun
    if status != 0:
        raise SystemExit(f"ours ended with {status}")
    told = {what: float(value) for what, value in re.findall(r"(reading|training|steps|drawing) ([0-9.e-]+) s", text)}
    return told | {"whole": whole, "resident": usage.ru_maxrss * 1024}


def time_ours(harness, threads, steps, path):
    """Seconds of a step, of the whole command and of what is no step, and the largest resident size in bytes."""
    # Elements count as dead after as many rows as for sparsify: in a short training, the default is sooner.
    told = time_training(harness, threads, [
        path, "--elements", N, "--k", K, "--batch", BATCH, "--samples", steps * BATCH, "--set", f"dead_after={1 << 18}",
    ])  # fmt: skip
    return {
        "step": told["steps"] / steps,
        "whole": told["whole"],
        "reading": told["reading"],
        "between steps": told["training"] - told["steps"],
        "measuring": told["drawing"],
        "steps": told["steps"],
        "resident": told["resident"],
    }


def time_synthetic(harness, threads, samples):
    """Samples a second of BatchTopK on SynthSAEBench-16k, as published, and of drawing these samples."""
    told = time_training(harness, threads, [
        "synth:synthsaebench-16k", "--variant", "batch-topk", "--k", 25, "--elements", 4096, "--batch", 1024,
        "--samples", samples,
    ])  # fmt: skip
    return {"training": samples / told["training"], "drawing": samples / (told["training"] - told["steps"])}


def processor():
    info = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in info.items()}


def results():
    """The folder of this machine's results, named as in `src/machine.rs`."""
    info = processor()
    vendor = info.get("vendor_id", "unknown")
    maker = {"AuthenticAMD": "amd", "GenuineIntel": "intel"}.get(vendor, vendor.lower())
    if "cpu family" in info and "model" in info:
        return HERE / f"results/{maker}-family-{info['cpu family']}-model-{info['model']}"
    return HERE / f"results/{maker}-{platform.machine()}"


def machine():
    info = processor()
    name = f"{info.get('model name', platform.processor())} (family {info.get('cpu family')}, model {info.get('model')})"
    return f"{name}, {os.cpu_count()} threads"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, default=HERE.parent / "target/workbench.npy", help="the .npy of activations")
    parser.add_argument("--rows", type=int, default=1 << 21, help="its rows if it is made: 2,097,152 are 4 GiB")
    parser.add_argument("--harness", default=HERE.parent / "target/release/harness")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=12, help="steps of a peer in a round")
    parser.add_argument("--synthetic", type=int, default=1 << 17, help="samples of SynthSAEBench-16k to train on in a round")
    parser.add_argument("--our-steps", type=int, default=1024, help="steps of ours in the long runs, one in each round")
    given = parser.parse_args()
    if not given.file.exists():
        print(f"making {given.file}", file=sys.stderr)
        # In a process of its own: Linux takes a command to be as large as the process that starts it was.
        subprocess.run([sys.executable, __file__, "make", str(given.file), str(given.rows)], check=True)
    counts = sorted({1, os.cpu_count()})
    rows, whole, synthetic = [], [], []
    for number in range(1, given.rounds + 1):
        for threads in counts:
            for name in NAMES:
                seconds = time_peer(name, threads, given.steps, given.file)
                rows.append({"contender": name, "threads": threads, "round": number, "seconds": seconds})
                print(f"round {number}: {name}, {threads} threads: {1e3 * seconds:.0f} ms a step", file=sys.stderr)
            ours = time_ours(given.harness, threads, 8 * given.steps, given.file)
            rows.append({"contender": "ours", "threads": threads, "round": number, "seconds": ours["step"]})
            print(f"round {number}: ours, {threads} threads: {1e3 * ours['step']:.0f} ms a step", file=sys.stderr)
        whole.append(time_ours(given.harness, counts[-1], given.our_steps, given.file))
        print(f"round {number}: {whole[-1]}", file=sys.stderr)
        synthetic.append(time_synthetic(given.harness, counts[-1], given.synthetic))
        print(f"round {number}: {synthetic[-1]}", file=sys.stderr)
    results().mkdir(exist_ok=True)
    with open(results() / "workbench.csv", "w", newline="") as file:
        table = csv.DictWriter(file, ["contender", "threads", "round", "seconds"])
        table.writeheader()
        table.writerows(rows)
    text = section(given, counts, rows, whole, synthetic)
    print(text)
    (results() / "workbench.md").write_text(text)


def section(given, counts, rows, whole, synthetic):
    def times(name, threads):
        return [row["seconds"] for row in rows if row["contender"] == name and row["threads"] == threads]

    def best(name):
        """For each round, the least time of a step at any number of threads."""
        return [min(each) for each in zip(*(times(name, threads) for threads in counts))]

    def ratio(name):
        return median(theirs / ours for theirs, ours in zip(best(name), best("ours")))

    median = statistics.median
    beyond = median((run["whole"] - run["steps"]) / run["whole"] for run in whole)
    between = median(run["between steps"] / (run["steps"] + run["between steps"]) for run in whole)
    held = 4 * (2 * N * D + N + D) * 4 + 4 * BATCH * D
    resident = median(run["resident"] for run in whole)

    rate, drawing = (median(run[what] for run in synthetic) for what in ("training", "drawing"))
    hours = 200e6 / rate / 3600

    def met(value, reach, aim, more=True):
        good = (lambda bar: value >= bar) if more else (lambda bar: value <= bar)
        return "aim" if good(aim) else "reach" if good(reach) else "short of reach"

    lines = [
        "### Training from a file",
        "",
        f"Written by `{Path(__file__).relative_to(HERE.parent)}`: {machine()}, medians over {given.rounds} interleaved rounds. A TopK "
        f"autoencoder, d = {D}, n = {N}, batch {BATCH}, k = {K}, on a file of "
        f"{given.file.stat().st_size / 2**30:.1f} GiB; every measurement is in "
        f"[results/{results().name}/workbench.csv](results/{results().name}/workbench.csv).",
        "",
        "| what | measured | reach | aim | |",
        "| --- | --- | --- | --- | --- |",
    ]
    sparsify, lens = ratio("sparsify"), ratio("SAELens")
    lines += [
        f"| step against sparsify 1.3.3, each at its best number of threads | {sparsify:.2f} × | 3.5 × | 8 × | {met(sparsify, 3.5, 8)} |",
        f"| step against SAELens 6.54.12, each at its best | {lens:.1f} × | 10 × | 25 × | {met(lens, 10, 25)} |",
        f"| whole training of {given.our_steps} steps: share of the time that is no step | {100 * beyond:.1f} % | 5 % | 2 % | {met(beyond, .05, .02, False)} |",
        f"| resident memory beyond weights, gradients, moments and one batch ({held / 2**20:.0f} MiB) | {(resident - held) / 2**20:.0f} MiB | 100 MB | 50 MB | {met(resident - held, 100e6, 50e6, False)} |",
        f"| BatchTopK on 200 M samples of SynthSAEBench-16k, {counts[-1]} threads, by the rate on {given.synthetic} | {hours:.1f} h | 10 h | 3 h | {met(hours, 10, 3, False)} |",
        "",
        "Milliseconds a step:",
        "",
        "| | " + " | ".join(f"{threads} thread{'s'[:threads > 1]}" for threads in counts) + " |",
        "| --- |" + " ---: |" * len(counts),
    ]
    for name in ["ours", *NAMES]:
        cells = (f"{1e3 * median(times(name, threads)):.0f}" for threads in counts)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    parts = ["reading", "steps", "between steps", "measuring"]
    told = ", ".join(f"{part} {median(run[part] for run in whole):.1f} s" for part in parts)
    lines += [
        "",
        f"The whole command took {median(run['whole'] for run in whole):.1f} s: {told} (reading is the pass over the whole file for its "
        f"means and checksum; between steps are batches and checkpoints, {100 * between:.1f} % of the training; measuring is on "
        "65,536 held-out rows, with figures and files).",
        "",
        f"On SynthSAEBench-16k, a training goes through {rate:.0f} samples a second, drawing them included, which alone is {drawing:.0f} "
        "a second.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if sys.argv[1:2] == ["peer"]:
        peer(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
    elif sys.argv[1:2] == ["make"]:
        make(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
