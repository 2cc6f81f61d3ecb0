// The code of the tutorial "Train and read a dictionary": `swift run -c release ReadDictionary`. `make docs` cuts it at the
// lines that begin with "// STEP" into the tutorial's steps.

import Foundation
import Unfold

// STEP source
let session = try Session("unfold-mini")
let corpus = try session.activations(of: Corpus(["demo-corpus"]), sites: "resid_post", layers: "2")
print(corpus.rowCount, "tokens of", try corpus.documents.count, "texts")

// STEP settings
var settings = TrainingSettings(site: "blocks.2.hook_resid_post")
settings.batch = 1024
settings.tokens = 200_000
let sparse = DictionarySettings(architecture: .topK, latents: 1024, k: 16)

// STEP train
let run = try TrainingRun(source: corpus, settings: settings, dictionaries: [sparse])
print(try run.train().steps, "steps")
let dictionary = run.dictionaries[0]

// STEP judge
let judged = try DictionaryJudging().judge(dictionary, on: corpus, session: session)
print("active at a token:", judged.l0, "  variance not explained:", judged.fvu, "  dead:", judged.deadLatents)
print("loss recovered against the mean:", judged.recovered?.lossFromMean ?? 0)

// STEP features
let features = try FeatureReader(choice: .best(5), examples: 3).read(
  dictionary, on: corpus, model: session.model, piece: session.piece)
for feature in features.features {
  print(feature.latent, feature.concepts.map { "\($0.concept) \($0.heldOutAUROC)" })
  for example in feature.examples { print("   ", example.before + "[" + example.token + "]" + example.after) }
  print("    promotes", feature.promoted.prefix(4).map(\.text))
}

// STEP text
let latents = try TextLatents(
  of: "GET /index.html HTTP/1.1", in: dictionary, model: session.model, tokenizer: session.requireTokenizer())
for token in latents.tokens { print(token.text, token.latents.prefix(3).map { "\($0.index): \($0.value)" }) }

// STEP ablate
if let best = features.features.first {
  let items = try AblationItem.features([best.latent], of: dictionary, name: "dictionary", in: session.model)
  let without = try Ablation(replacement: .zero).run(items, model: session.model, source: corpus)
  for item in without.items { print(item.what, "costs", item.all.loss.change, "nats, p", item.all.corrected) }
}

// STEP save
let folder = FileManager.default.temporaryDirectory.appending(path: "unfold-dictionary-\(UUID().uuidString)")
try dictionary.save(folder: folder, format: .saelens)
print(try SparseAutoencoder.load(folder: folder).latents, "latents read back from", folder.path)
try FileManager.default.removeItem(at: folder)
