"""Cases of the families whose layout is not Llama's."""
import torch
import transformers as hf

from .case import case

WIDE = dict(vocab_size=24, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
            max_position_embeddings=192, attn_implementation="eager", bos_token_id=1, eos_token_id=2, pad_token_id=0)
NARROW = dict(vocab_size=24, n_embd=16, n_layer=2, n_head=4, n_positions=192, attn_implementation="eager",
              bos_token_id=1, eos_token_id=2)
CASES = {}
half, brain = torch.float16, torch.bfloat16


def new(name, kind, common, *more, head="ForCausalLM", config=None, rename=None, **options):
    settings = getattr(hf, kind + "Config")
    CASES[name] = lambda: case(name, getattr(hf, kind + head)(settings(**(common | options))), *more, config=config,
                               rename=rename)


def neox_old(config):
    rope = config.pop("rope_parameters")
    config["rotary_pct"], config["rotary_emb_base"] = rope["partial_rotary_factor"], rope["rope_theta"]


new("gpt_neox", "GPTNeoX", WIDE, half, hidden_size=32, config=neox_old)
new("gpt_neox-sequential", "GPTNeoX", WIDE, use_parallel_residual=False, attention_bias=False, hidden_act="gelu_new",
    tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=1000.0, partial_rotary_factor=1.0))
new("gpt_neo", "GPTNeo", {k: v for k, v in WIDE.items() if k not in ("num_hidden_layers", "num_attention_heads")},
    half, num_layers=3, num_heads=4, attention_types=[[["global", "local"], 1], [["local"], 1]], window_size=7)
new("gptj", "GPTJ", NARROW, half, n_embd=32, rotary_dim=4)
opt = {k: v for k, v in WIDE.items() if k != "intermediate_size"} | dict(ffn_dim=24)
new("opt", "OPT", opt, half)
new("opt-350m", "OPT", opt, word_embed_proj_dim=12, do_layer_norm_before=False)
bloom = dict(vocab_size=24, n_layer=2, attn_implementation="eager", bos_token_id=1, eos_token_id=2, pad_token_id=3)
# Nine heads: the slope of the ninth is no power of two. The hub's files hold the bare model.
new("bloom", "Bloom", bloom, half, hidden_size=18, n_head=9, rename=lambda k: k.removeprefix("transformer."))
falcon = {k: v for k, v in WIDE.items() if k != "intermediate_size"}


def falcon_old(config):
    config["rope_theta"] = config.pop("rope_parameters")["rope_theta"]
    config.pop("ffn_hidden_size")


new("falcon", "Falcon", falcon, brain, config=falcon_old)
new("falcon-new", "Falcon", falcon, new_decoder_architecture=True, num_kv_heads=2, bias=True, ffn_hidden_size=24)
# Falcon 11B: the new decoder with one norm.
new("falcon-one-norm", "Falcon", falcon, half, new_decoder_architecture=True, num_kv_heads=2,
    num_ln_in_parallel_attn=1, tie_word_embeddings=False)
# Hugging Face's eager form adds ALiBi twice, in the mask and to the scores; the one that people run, once.
new("falcon-alibi", "Falcon", falcon | dict(attn_implementation="sdpa"), brain, hidden_size=18, num_attention_heads=9,
    alibi=True, parallel_attn=False, multi_query=False, bias=True)
roberta = WIDE | dict(max_position_embeddings=194, pad_token_id=1, bos_token_id=0)
new("roberta", "Roberta", roberta, half, head="ForMaskedLM", layer_norm_eps=1e-5, type_vocab_size=1)
new("xlm-roberta", "XLMRoberta", roberta, head="ForMaskedLM", hidden_act="gelu_new")
new("distilbert", "DistilBert", dict(
    vocab_size=24, dim=16, hidden_dim=24, n_layers=2, n_heads=4, pad_token_id=0, max_position_embeddings=192,
    attn_implementation="eager"), half, head="ForMaskedLM")
