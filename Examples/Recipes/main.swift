// The ten most common tasks, each in at most ten lines: `swift run -c release Recipes`. docs/recipes.md shows each beside its
// original in Python.

import Foundation
import Unfold

let session = try Session("unfold-mini")
let questions = try session.activations(of: Corpus(["questions"]), sites: "resid_post,mlp_post", layers: "2")
let folder = FileManager.default.temporaryDirectory.appending(path: "unfold-recipes-\(UUID().uuidString)")
try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)

// MARK: 1. Capture a site

let cache = try session.run("The king and the", caching: "resid_post,z", layers: "2")
let stream = try cache.value("resid_post", layer: 2)
print("1. captured", stream.site, stream.axes, stream.shape)
try cache.write(to: folder.appending(path: "cache.npz"))

// MARK: 2. Patch from another run

let pair = try session.pair(
  clean: "The hands of the king", corrupt: "The hand of the king", right: " were", wrong: " was")
let sites = try session.model.architecture.select(sites: "resid_pre")
let patched = try Patching().run([pair], sites: sites, in: session.model)
let strongest = patched.strongest(1)[0]
print("2. patched", patched.sites[strongest.grid].place(strongest.cell), strongest.effect)

// MARK: 3. Ablate a neuron

let neurons = try AblationItem.neurons("L2.10,L2.431", in: session.model)
let ablated = try Ablation(replacement: .mean).run(neurons, model: session.model, source: questions)
for item in ablated.items { print("3. ablated", item.what, item.all.loss.change) }

// MARK: 4. Logit lens

let lens = try LogitLens(of: session.tokens(of: "The king and the"), in: session)
for layer in lens.layers { print("4. lens", layer.title, layer.top.last?.first?.piece ?? "") }

// MARK: 5. Train a probe with controls

var settings = ProbeSettings(outerFolds: 5)
settings.concept.positive = "question"
let study = try Study(settings: settings).run(on: questions, model: .model(session.model))
print("5. probe", study.result.score, study.result.best)
try study.probe.write(to: folder.appending(path: "questions.safetensors"))

// MARK: 6. A neuron's top examples

let neuron = NeuronReference(site: "blocks.2.mlp.hook_post", layer: 2, index: 431)
let examples = try NeuronsTop.examples(of: neuron, in: questions, count: 3, piece: session.piece)
for example in examples.top { print("6. example", example.value, example.token?.text ?? "") }

// MARK: 7. Train a dictionary

var training = TrainingSettings(site: "blocks.2.hook_resid_post")
training.tokens = 50_000
let run = try TrainingRun(
  source: questions, settings: training, dictionaries: [DictionarySettings(architecture: .topK, latents: 512, k: 16)])
let summary = try run.train()
let dictionary = run.dictionaries[0]
print("7. trained", dictionary.latents, "latents in", summary.steps, "steps")

// MARK: 8. Encode with it

let latents = dictionary.encode(stream.matrix)
print("8. encoded", latents.rows, "tokens; rebuilt", dictionary.decode(latents).rows, "of them")

// MARK: 9. Steer

let direction = try Direction.load(folder.appending(path: "questions.safetensors").path, for: session)
let change = SteeringSettings.Change.add(strengths: [0, 0.5], unit: .stream)
let steered = try session.steer(
  "The king", by: direction, SteeringSettings(change: change, count: 8), reference: nil)
for run in steered.runs { print("9. steered by", run.amount ?? 0, run.text) }

// MARK: 10. Attribute a logit

let text = try session.tokens(of: "The king and the")
let parts = try session.model.attributeLogit(of: session.token(named: " queen"), in: text)
for (layer, part) in parts.layers.enumerated() { print("10. layer", layer, part.attention, part.mlp) }

try FileManager.default.removeItem(at: folder)
