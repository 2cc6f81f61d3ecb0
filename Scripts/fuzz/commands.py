"""A command line that works for every command: what is changed in them is then all that is wrong."""

M, S, D, P = "@seeds/models/mini", "@seeds/store", "@seeds/dictionaries/own-topk", "@seeds/probe-logistic.safetensors"
SHIPPED = "@shipped"  # the model that ships
C = "@seeds/texts/corpus.jsonl"
SITE = ["--sites", "resid_post", "--layers", "1"]
FEW = ["--outer-folds", "2", "--folds", "2", "--controls", "none"]

LINES = [
    ["capture", M, C, "-o", "out", "--sites", "resid_post"],
    ["capture", M, C, "-o", "out.h5", "--sites", "mlp_post,pattern", "--layers", "0"],
    ["tokenize", M, "the river is cold"], ["tokenize", M, "--input", C],
    ["run", M, "the river is cold"], ["run", M, "the river", "--top", "3", "--greedy", "2"],
    ["run", M, "the river is", "--attribute", "a"], ["run", M, "the river is", "--attend", "2"],
    ["probe", "train", S, "--label", "label", *SITE, *FEW], ["probe", "train", M, C, "--label", "label", *SITE, *FEW],
    ["probe", "train", S, "--label", "number", "--target", "number", *SITE, "--controls", "none"],
    ["probe", "train", "@seeds/texts/study.yaml", "--store", S], ["probe", "sweep", S, "--label", "label", *SITE, *FEW],
    ["probe", "evaluate", P, S], ["probe", "apply", P, M, "the river"], ["probe", "apply", P, M, "--input", C, "--jsonl"],
    ["probe", "show", P], ["probe", "compare", P, "@seeds/probe-lda.safetensors"], ["probe", "list"],
    ["neurons", "top", S, "--concept", "warm", "--label", "label"], ["neurons", "top", M, "--text", "the river"],
    ["neurons", "rank", S, "--model", M], ["neurons", "rank", S, "--model", M, "--random", "3"], ["neurons", "show", S, "L0.3", "--model", M],
    ["neurons", "experts", "@seeds/models/families/mixtral", "@seeds/texts/corpus.txt"],
    ["sae", "train", S, "-o", "out", *SITE, "--latents", "16", "--k", "2", "--batch", "32", "--tokens", "500"],
    ["sae", "train", S, "-o", "out", *SITE, "--architecture", "jumprelu", "--latents", "16", "--batch", "32", "--tokens", "500"],
    ["sae", "evaluate", D, S, "--model", M], ["sae", "evaluate", D, S, "--model", M, "--probe", C], ["sae", "features", D, S],
    ["sae", "features", D, M, C, "--text", "the river"], ["sae", "encode", D, S, "-o", "out.safetensors"], ["sae", "export", D, "-o", "out"],
    ["superposition", "pack", "12", "3", "--steps", "5", "--trials", "1"], ["superposition", "toy", "--features", "6", "--hidden", "2", "--steps", "5"],
    ["superposition", "measure", D], ["anatomy", M], ["anatomy", "gpt2"], ["anatomy", "--list"], ["anatomy", M, "--explain"],
    ["geometry", "nearest", M, "the"], ["geometry", "analogy", M, "a - b + c"], ["geometry", "score", M, "@seeds/texts/analogies.jsonl"],
    ["geometry", "dimensions", S, "--label", "label", *SITE], ["fit", "circle", "--steps", "5", "--trials", "1"],
    ["lens", "read", M, "the river is cold"], ["lens", "read", M, "the river", "--tuned", "@seeds/lens.safetensors"],
    ["lens", "train", M, C, "-o", "out.safetensors", "--steps", "2"], ["heads", M, "--sequences", "2", "--period", "4"], ["heads", M, C, "--period", "8"],
    ["patch", M, "--pairs", "@seeds/texts/pairs.jsonl"], ["ablate", M, C, "--layers", "0"], ["ablate", M, C, "--heads", "L0.0", "--documents", "4"],
    ["ablate", M, C, "--neurons", "L0.1", "--documents", "4"],
    ["steer", M, "the river", "--direction", P, "--strength", "1", "--max-tokens", "2"], ["generate", M, "the river", "--max-tokens", "3"],
    ["report", S, "-o", "out.html", "--model", M], ["report", M, "-o", "out.html", "--text", "the river"], ["report", S, "-o", "out.html", "--neuron", "L0.3", "--model", M],
    ["notebook", S, "-o", "out.ipynb"], ["export", "neuronpedia", D, S, "--model", M, "-o", "out"], ["export", "saedashboard", D, S, "--model", M, "-o", "out"],
    ["export", "delphi", D, S, "-o", "out"], ["export", "neuron-records", S, "--model", M, "-o", "out", "--neuron", "L0.3"],
    ["export", "tensors", S, "-o", "out.npz"], ["export", "table", S, "-o", "out.csv"],
    ["store", "info", S], ["store", "verify", S], ["store", "verify", S, "--repair"], ["store", "merge", "@seeds/part-0", "@seeds/part-1", "-o", "out"],
    ["store", "pack", S, "-o", "out", "--storage", "uint8"], ["store", "label", S, "@seeds/texts/labels.jsonl"]]
