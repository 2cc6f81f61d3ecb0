// The code of the tutorial "From TransformerLens to Unfold": `swift run -c release FromTransformerLens`. `make docs` cuts it
// at the lines that begin with "// STEP" into the tutorial's steps.

import Unfold

// STEP open
let session = try Session("unfold-mini")
let tokens = try session.tokens(of: "The king and the")
print(tokens, session.pieces(of: tokens))

// STEP cache
let cache = try session.run("The king and the", caching: "resid_post,z,pattern")
let stream = try cache.value("resid_post", layer: 2)
let heads = try cache.value("z", layer: 2)
print(stream.site.name, stream.axes, stream.shape)
print(heads.site.name, heads.axes, heads.shape)

// STEP edit
let neurons = try session.model.architecture.select(sites: "blocks.2.mlp.hook_post")[0]
let ablate = Hook(neurons) { value in
  for token in value.rows { value[token, 7] = 0 }
}
let text = try session.generate(after: session.tokens(of: "The king"), count: 20, hooks: [ablate])
print(text.text)

// STEP loss
let batch = TokenBatch(documents: [tokens, try session.tokens(of: "Once upon a time")])
let loss = try session.model.loss(batch, hooks: [ablate])
print(loss.total / Double(loss.predictions), "nats over", loss.predictions, "predictions")

// STEP residual
let full = try session.run("The king and the", caching: ActivationCache.residualSites)
let stack = try full.decomposeResidual()
let effects = try full.logitAttributions(of: stack, token: session.token(named: " queen"))
for (label, effect) in zip(stack.labels, effects) { print(label, effect.last ?? 0) }

// STEP patch
let pair = try session.pair(
  clean: "The hands of the king", corrupt: "The hand of the king", right: " were", wrong: " was")
let sites = try session.model.architecture.select(sites: "resid_pre")
let patched = try Patching().run([pair], sites: sites, in: session.model)
for strong in patched.strongest(3) {
  let place = patched.sites[strong.grid].place(strong.cell)
  print("layer", place.layer ?? 0, "token", place.position ?? 0, "restores", strong.effect)
}
