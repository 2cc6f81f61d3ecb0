// Capture, probe and find neurons from Swift: `swift run -c release Journey`

import Foundation
import Unfold

let model = try Model.load(ModelLocation.resolve("unfold-mini"))
let tokenizer = try Tokenizer(folder: model.folder)

// Read a value, and change one: hooks belong to one run, and their sites have TransformerLens's names.
let tokens = try tokenizer.encode("The king and the").ids
let neurons = try model.architecture.select(sites: "blocks.2.mlp.hook_post")[0]
let ablate = Hook(neurons) { value in
  print("neuron 7 at the last token:", value[value.rows.upperBound - 1, 7])
  for token in value.rows { value[token, 7] = 0 }
}
let next = try model.nextTokens(after: TokenBatch(documents: [tokens]), count: 3, hooks: [ablate])[0]
print("without it:", next.map { tokenizer.text(of: $0.token) ?? "" })

// Stream a corpus's activations into a store that h5py opens.
let folder = FileManager.default.temporaryDirectory.appending(path: "unfold-journey-\(UUID().uuidString)")
let capture = try Capture(
  model: model, tokenizer: tokenizer, corpus: Corpus(["questions"]), settings: CaptureSettings(sites: "mlp_post"))
print(try capture.run(to: folder).tokens, "tokens captured")

// Train a probe at every layer, and find the neurons that tell the concept.
let store = try ActivationStore(opening: folder)
let study = try Study(settings: ProbeSettings(controls: [])).run(on: store).result
print("best site:", study.best, "score:", study.score)
let found = try NeuronsTop.concept(Concept(positive: "question"), in: store, count: 3)
print("neurons:", found.ranked.map { "\($0.neuron) \($0.auroc)" })
try FileManager.default.removeItem(at: folder)
