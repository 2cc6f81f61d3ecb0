"""The model in training form, its loss, and its optimizers.

The network is GPT-2 (pre-norm, learned positions, gelu_new, tied embeddings).
Matrices are kept as [out, in] here; export.py turns them to GPT-2's layout.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

VOCABULARY, CONTEXT, WIDTH, LAYERS, HEADS, NEURONS = 8192, 512, 256, 4, 8, 1024


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1 = nn.LayerNorm(WIDTH)
        self.c_attn = nn.Linear(WIDTH, 3 * WIDTH)
        self.attn_proj = nn.Linear(WIDTH, WIDTH)
        self.ln_2 = nn.LayerNorm(WIDTH)
        self.c_fc = nn.Linear(WIDTH, NEURONS)
        self.mlp_proj = nn.Linear(NEURONS, WIDTH)

    def forward(self, x):
        b, t, _ = x.shape
        q, k, v = self.c_attn(self.ln_1(x)).view(b, t, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.attn_proj(y.transpose(1, 2).reshape(b, t, WIDTH))
        return x + self.mlp_proj(F.gelu(self.c_fc(self.ln_2(x)), approximate="tanh"))


class Mini(nn.Module):
    """Maps token ids [b, t] to the states [b, t, WIDTH] that the unembedding reads."""

    def __init__(self):
        super().__init__()
        self.wte = nn.Embedding(VOCABULARY, WIDTH)
        self.wpe = nn.Embedding(CONTEXT, WIDTH)
        self.h = nn.ModuleList(Block() for _ in range(LAYERS))
        self.ln_f = nn.LayerNorm(WIDTH)
        self.start()

    @torch.no_grad()
    def start(self):
        self.wte.weight.normal_(0, 0.03)
        # Waves rather than noise: looking one token back is then the same turn everywhere.
        rate = torch.exp(-math.log(2000.0) * torch.arange(WIDTH // 2) / (WIDTH // 2))
        angle = torch.arange(CONTEXT)[:, None] * rate
        self.wpe.weight.copy_(0.03 * torch.cat([angle.sin(), angle.cos()], 1))
        for block in self.h:
            for linear in (block.c_attn, block.attn_proj, block.c_fc, block.mlp_proj):
                linear.weight.normal_(0, 0.6 / math.sqrt(linear.in_features))
                linear.bias.zero_()
            block.attn_proj.weight.zero_()
            block.mlp_proj.weight.zero_()

    def forward(self, ids):
        x = self.wte(ids) + self.wpe.weight[:ids.shape[1]]
        for block in self.h:
            x = block(x)
        return self.ln_f(x)


class TiedLoss(torch.autograd.Function):
    """Mean cross-entropy of states against targets; never keeps all the logits.

    With `sampled`, the sum over the vocabulary is estimated: the tokens that occur
    as targets in this batch enter whole, and of the rest `sampled` ones drawn
    evenly, each counted for its share. That is most of the mass at a third of
    the work.
    """

    ROWS = 512

    @staticmethod
    def forward(ctx, states, table, targets, sampled=0):
        n = states.shape[0]
        chosen = bonus = None
        rows = table
        if sampled:
            here = torch.zeros(len(table), dtype=torch.bool)
            here[targets] = True
            rest = (~here).nonzero()[:, 0]
            some = rest[torch.randperm(len(rest))[:sampled]]
            chosen = torch.cat([here.nonzero()[:, 0], some])
            bonus = torch.zeros(len(chosen))
            if len(some):
                bonus[-len(some):] = math.log(len(rest) / len(some))
            place = torch.empty(len(table), dtype=torch.long)
            place[chosen] = torch.arange(len(chosen))
            rows, targets = table[chosen], place[targets]
        d_states, d_rows = torch.empty_like(states), torch.zeros_like(rows)
        total = states.new_zeros(())
        for i in range(0, n, TiedLoss.ROWS):
            h, t = states[i:i + TiedLoss.ROWS], targets[i:i + TiedLoss.ROWS, None]
            p = torch.softmax(F.linear(h, rows, bonus), -1)
            right = p.gather(1, t)
            total -= right.clamp_min(1e-30).log().sum()
            p.scatter_(1, t, right - 1)
            torch.mm(p, rows, out=d_states[i:i + TiedLoss.ROWS])
            d_rows.addmm_(p.t(), h)
        d_table = d_rows.div_(n)
        if sampled:
            d_table = torch.zeros_like(table).index_copy_(0, chosen, d_rows)
        ctx.save_for_backward(d_states.div_(n), d_table)
        return total / n

    @staticmethod
    def backward(ctx, grad):
        d_states, d_table = ctx.saved_tensors
        return d_states * grad, d_table * grad, None, None


# Four odd polynomials that drive singular values to one (Polar Express, Amsel et al. 2025).
POLAR = [(8.28721201814563, -23.595886519098837, 17.300387312530933),
         (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
         (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
         (3.3184196573706015, -2.488488024314874, 0.51004894012372)]


def orthogonal(m):
    """The nearest (semi-)orthogonal matrices of a stack [n, rows, columns], rows <= columns."""
    m = m / (m.norm(dim=(1, 2), keepdim=True) * 1.02 + 1e-7)
    for a, b, c in POLAR:
        g = m @ m.mT
        m = torch.baddbmm(m, torch.baddbmm(g, g, g, beta=b, alpha=c), m, beta=a)
    return m


class Muon:
    """Momentum, made orthogonal, for the matrices inside the blocks."""

    def __init__(self, model, momentum=0.95, decay=0.05):
        self.model, self.momentum, self.decay = model, momentum, decay
        self.buffers = [torch.zeros_like(w) for w in self.weights()]

    def weights(self):
        return [w for b in self.model.h for w in
                (b.c_attn.weight, b.attn_proj.weight, b.c_fc.weight, b.mlp_proj.weight)]

    @torch.no_grad()
    def step(self, rate):
        square, wide = [], []
        for w, v in zip(self.weights(), self.buffers):
            v.lerp_(w.grad, 1 - self.momentum)
            u = w.grad.lerp(v, self.momentum)
            if w.shape[1] > WIDTH:
                wide.append(u)
            elif w.shape[0] == NEURONS:
                wide.append(u.t())
            else:
                square.extend(u.split(WIDTH))       # q, k and v apart
        square, wide = iter(orthogonal(torch.stack(square))), iter(orthogonal(torch.stack(wide)))
        for w in self.weights():
            w.mul_(1 - rate * self.decay)
            if w.shape[1] > WIDTH:
                w.sub_(next(wide), alpha=rate)
            elif w.shape[0] == NEURONS:
                w.sub_(next(wide).t(), alpha=rate * math.sqrt(NEURONS / WIDTH))
            else:
                w.sub_(torch.cat([next(square) for _ in range(w.shape[0] // WIDTH)]), alpha=rate)

    def state_dict(self):
        return self.buffers

    def load_state_dict(self, buffers):
        for mine, theirs in zip(self.buffers, buffers):
            mine.copy_(theirs)


def adam(model):
    """AdamW for what Muon leaves: embeddings, norms, biases."""
    inside = {id(w) for b in model.h for w in
              (b.c_attn.weight, b.attn_proj.weight, b.c_fc.weight, b.mlp_proj.weight)}
    rest = [p for p in model.parameters() if id(p) not in inside]
    return torch.optim.AdamW([
        {"params": [p for p in rest if p.ndim == 2], "weight_decay": 0.01},
        {"params": [p for p in rest if p.ndim == 1], "weight_decay": 0.0}],
        lr=1.0, betas=(0.9, 0.97), eps=1e-9, fused=True)
