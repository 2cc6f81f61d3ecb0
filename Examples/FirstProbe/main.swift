// The code of the tutorial "Your first probe, and when not to believe it": `swift run -c release FirstProbe`. `make docs`
// cuts it at the lines that begin with "// STEP" into the tutorial's steps.

import Foundation
import Unfold

// STEP open
let session = try Session("unfold-mini")
let questions = try session.activations(of: Corpus(["questions"]), sites: "embed,resid_post")
print(try questions.documents.count, "texts at", questions.sites.count, "sites")

// STEP train
var settings = ProbeSettings(outerFolds: 5, controls: [])
settings.concept.positive = "question"
let first = try Study(settings: settings).run(on: questions)
print("balanced accuracy", first.result.score)

// STEP interval
if let interval = first.result.evaluation.intervals?.balancedAccuracy {
  print("95 % interval", interval.low, "to", interval.high, "over", first.result.groups, "groups")
}

// STEP controls
settings.controls = [.majority, .words, .embedding, .randomWeights, .shuffledLabels]
let study = try Study(settings: settings).run(on: questions, model: .model(session.model))
for control in study.result.controls?.results ?? [] {
  print(control.title, control.score ?? 0, control.difference?.interval?.low ?? 0)
}

// STEP implications
for sentence in study.result.controls?.implications ?? [] { print("-", sentence) }

// STEP depth
for place in study.result.depth?.places ?? [] { print(place.title, place.score) }
if let depth = study.result.depth { print("arises at", depth.first.title) }

// STEP nothing
let sarcasm = try session.activations(of: Corpus(["sarcasm"]), sites: "embed,resid_post")
settings.concept.positive = "sarcastic"
let none = try Study(settings: settings).run(on: sarcasm, model: .model(session.model)).result
print("sarcasm", none.score, "p", none.controls?[.shuffledLabels]?.pValue ?? 1)

// STEP use
settings.concept.positive = "question"
settings.controls = []
let file = FileManager.default.temporaryDirectory.appending(path: "question-\(UUID().uuidString).safetensors")
let probe = try Study(settings: settings).run(on: questions, sites: ["blocks.2.hook_resid_post"]).probe
try probe.write(to: file)
let direction = try Direction.load(file.path, for: session)[0]
let without = try Ablation(replacement: .zero).run(
  [.direction(direction)], model: session.model, source: questions)
for item in without.items { print("without it", item.all.loss.change, "nats, p", item.all.corrected) }

// STEP chance
let random = try (1...10).map { seed in
  try AblationItem.direction(direction.random(seed: UInt64(seed), in: session.model))
}
let chance = try Ablation(replacement: .zero).run(random, model: session.model, source: questions)
print("without a random direction", chance.items.map(\.all.loss.change).max() ?? 0, "nats at most")
try FileManager.default.removeItem(at: file)
