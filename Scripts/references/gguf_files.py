"""Small GGUF and quantised safetensors files, and the numbers that the `gguf` package and ml_dtypes find in them.

    pip install gguf==0.19.0 numpy==2.4.6 safetensors==0.8.0 ml_dtypes==0.6.0
    python Scripts/references/gguf_files.py Tests/CheckpointsTests/Fixtures

Writes `gguf/types.gguf`, a tensor of every type that is read: the first row quantised by `gguf` where it can, the second
random bytes with finite scales. `gguf/parts-0000N-of-00003.gguf` is a file split in three. `scaled/` and `inferred/` hold
8-bit floats with the scales of their tiles, and MXFP4 as pairs of blocks and scales. Beside each lies
`expected.safetensors` with the values as float32.
"""

import json
import struct
import sys
from pathlib import Path

import gguf
import ml_dtypes
import numpy as np
from gguf import GGMLQuantizationType as Type
from safetensors.numpy import save_file

out = Path(sys.argv[1])
rng = np.random.default_rng(20260314)

PLAIN = {Type.F32: np.float32, Type.F16: np.float16, Type.F64: np.float64}
INTEGERS = {Type.I8: np.int8, Type.I16: np.int16, Type.I32: np.int32, Type.I64: np.int64}
BLOCKS = [
    Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0, Type.Q2_K, Type.Q3_K, Type.Q4_K, Type.Q5_K, Type.Q6_K,
    Type.IQ4_NL, Type.IQ4_XS, Type.MXFP4]
# Where in a block its float16 numbers lie.
HALVES = {
    Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0], Type.Q2_K: [80, 82],
    Type.Q3_K: [108], Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208], Type.IQ4_NL: [0], Type.IQ4_XS: [0],
    Type.MXFP4: []}


def random_blocks(kind, count):
    """Blocks of random bytes; their float16 scales are random too, but numbers."""
    blocks = rng.integers(0, 256, (count, gguf.GGML_QUANT_SIZES[kind][1]), dtype=np.uint8)
    for place in HALVES[kind]:
        high = blocks[:, place + 1]
        high[(high & 0x7C) == 0x7C] &= 0x83
    return blocks


def quantised(kind):
    """Two rows: numbers that a weight might be, and any bytes at all."""
    length = gguf.GGML_QUANT_SIZES[kind][0]
    columns = 256 if length == 256 else 96
    try:
        first = gguf.quants.quantize(rng.normal(0, 0.05, (1, columns)).astype(np.float32), kind)
    except NotImplementedError:
        first = random_blocks(kind, columns // length).reshape(1, -1)
    second = random_blocks(kind, columns // length).reshape(1, -1)
    return np.concatenate([first.view(np.uint8).reshape(1, -1), second])


def write_types():
    writer = gguf.GGUFWriter(out / "gguf" / "types.gguf", "test")
    writer.add_string("general.name", "one tensor of every type")
    for name, value in [
            ("uint8", 200), ("int8", -100), ("uint16", 60000), ("int16", -30000), ("uint32", 4_000_000_000),
            ("int32", -2_000_000_000), ("uint64", 2**64 - 1), ("int64", -2**62)]:
        getattr(writer, f"add_{name}")(f"test.{name}", value)
    writer.add_float32("test.float32", 0.1)
    writer.add_float64("test.float64", 0.1)
    writer.add_bool("test.yes", True)
    writer.add_bool("test.no", False)
    writer.add_array("test.integers", [1, -2, 3])
    writer.add_array("test.numbers", [0.5, -0.25])
    writer.add_array("test.bools", [True, False, True])
    writer.add_token_list(["a", "é".encode(), b"\xff\xfe", "", "e\u0301"])
    writer.add_token_scores([0.0, -1.0, -2.0, -3.0, -4.0])
    writer.add_token_types([1, 1, 6, 1, 1])
    writer.add_token_merges(["a b", "c d"])
    writer.add_bos_token_id(1)
    expected = {}
    for kind, dtype in PLAIN.items():
        values = rng.normal(size=(2, 3, 5)).astype(dtype)
        writer.add_tensor(kind.name, values)
        expected[kind.name] = values.astype(np.float32)
    brain = rng.normal(size=(4, 3)).astype(ml_dtypes.bfloat16)
    writer.add_tensor("BF16", brain.view(np.uint8), raw_dtype=Type.BF16)
    expected["BF16"] = brain.astype(np.float32)
    for kind, dtype in INTEGERS.items():
        writer.add_tensor(kind.name, rng.integers(-100, 100, 7).astype(dtype))
    for kind in BLOCKS:
        data = quantised(kind)
        writer.add_tensor(kind.name, data, raw_dtype=kind)
        with np.errstate(all="ignore"):
            expected[kind.name] = gguf.quants.dequantize(data, kind).astype(np.float32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file(expected, out / "gguf" / "expected.safetensors")


def write_parts():
    writer = gguf.GGUFWriter(out / "gguf" / "parts.gguf", "test", split_max_tensors=2)
    writer.add_string("general.name", "split")
    for i in range(5):
        writer.add_tensor(f"t{i}", np.full((2, 2), i, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_safetensors(path, tensors):
    """As safetensors has it; written by hand, since numpy lacks the types."""
    header, offset = {}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data for _, _, data in tensors.values()))


def tiled(codes, dtype, scales, rows, columns):
    values = codes.view(dtype).astype(np.float32)
    spread = np.repeat(np.repeat(scales.astype(np.float32), rows, -2), columns, -1)
    return values * spread[..., :values.shape[-2], :values.shape[-1]]


def write_scaled():
    tensors, expected = {}, {}
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    scales = rng.normal(size=(6, 4)).astype(np.float32)
    tensors["a.weight"] = ("F8_E4M3", every.shape, every.tobytes())
    tensors["a.weight_scale_inv"] = ("F32", scales.shape, scales.tobytes())
    expected["a.weight"] = tiled(every, ml_dtypes.float8_e4m3fn, scales, 3, 5)
    codes = rng.integers(0, 0x78, (2, 7, 9), dtype=np.uint8)
    brain = rng.normal(size=(2, 3, 2)).astype(ml_dtypes.bfloat16)
    tensors["b.weight"] = ("F8_E5M2", codes.shape, codes.tobytes())
    tensors["b.weight_scale_inv"] = ("BF16", brain.shape, brain.tobytes())
    expected["b.weight"] = tiled(codes, ml_dtypes.float8_e5m2, brain, 3, 5)
    tensors["vector"] = ("F8_E5M2", (256,), every.tobytes())
    expected["vector"] = every.ravel().view(ml_dtypes.float8_e5m2).astype(np.float32)
    (out / "scaled" / "config.json").write_text(
        json.dumps({"quantization_config": {"quant_method": "fp8", "weight_block_size": [3, 5]}}) + "\n")
    write_safetensors(out / "scaled" / "model.safetensors", tensors)
    save_file(expected, out / "scaled" / "expected.safetensors")


def write_inferred():
    tensors, expected = {}, {}
    codes = rng.integers(0, 0x7F, (130, 3), dtype=np.uint8)
    scales = rng.normal(size=(2, 1)).astype(np.float32)
    tensors["tall.weight"] = ("F8_E4M3", codes.shape, codes.tobytes())
    tensors["tall.weight_scale_inv"] = ("F32", scales.shape, scales.tobytes())
    expected["tall.weight"] = tiled(codes, ml_dtypes.float8_e4m3fn, scales, 128, 128)
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    tensors["plain"] = ("F8_E4M3", every.shape, every.tobytes())
    expected["plain"] = every.view(ml_dtypes.float8_e4m3fn).astype(np.float32)
    one = rng.normal(size=()).astype(np.float32)
    tensors["one.weight"] = ("F8_E4M3", (4, 5), codes[:4].tobytes() + bytes(8))
    tensors["one.weight_scale_inv"] = ("F32", (), one.tobytes())
    flat = np.frombuffer(codes[:4].tobytes() + bytes(8), np.uint8).reshape(4, 5)
    expected["one.weight"] = flat.view(ml_dtypes.float8_e4m3fn).astype(np.float32) * one
    blocks = rng.integers(0, 256, (2, 3, 2, 16), dtype=np.uint8)
    exponents = rng.integers(0, 255, (2, 3, 2), dtype=np.uint8)
    exponents[0, 0] = [0, 1]
    tensors["mlp.experts.up_blocks"] = ("U8", blocks.shape, blocks.tobytes())
    tensors["mlp.experts.up_scales"] = ("U8", exponents.shape, exponents.tobytes())
    table = np.concatenate([[0, 0.5, 1, 1.5, 2, 3, 4, 6], [-0.0, -0.5, -1, -1.5, -2, -3, -4, -6]]).astype(np.float32)
    pairs = np.stack([table[blocks & 15], table[blocks >> 4]], -1).reshape(2, 3, 2, 32)
    with np.errstate(all="ignore"):
        values = np.ldexp(pairs, exponents.astype(np.int32)[..., None] - 127)
    expected["mlp.experts.up"] = values.reshape(2, 3, 64).astype(np.float32)
    # What merely has such a name is left as it is.
    tensors["other_blocks"] = ("U8", (4,), bytes(4))
    tensors["other_scales"] = ("U8", (4,), bytes(4))
    write_safetensors(out / "inferred" / "model.safetensors", tensors)
    save_file(expected, out / "inferred" / "expected.safetensors")


for name in ["gguf", "scaled", "inferred"]:
    (out / name).mkdir(parents=True, exist_ok=True)
write_types()
write_parts()
write_scaled()
write_inferred()
