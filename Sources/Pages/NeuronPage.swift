import Activations
import Foundation
import Neurons
import Probes
import Reports

extension Page {
  /// A neuron's page: how it is distributed, what it fires for, what it reads and writes, what is lost without it.
  ///
  /// - Parameters:
  ///   - card: As `NeuronCard.init(of:in:session:ranking:)` gathers it.
  ///   - origin: The store's.
  ///   - link: The page of another neuron, where there is one.
  public init(
    _ card: NeuronCard, origin: Origin, link: (NeuronReference) -> String? = { _ in nil }
  ) {
    self.init(kind: "Neuron", title: "\(card.neuron)", lead: card.lead, facts: card.facts, source: origin.words)
    add("What it means", note: card.meaningNote, card.meaningBlocks)
    add(
      "Where it fires",
      note: "A token's colour is the neuron's activation there; the marked token is where it is strongest. Point at a "
        + "token to see its figures.", card.exampleBlocks)
    add("How it is distributed", [card.histogramFigure.map { .figure($0) }].compactMap(\.self))
    add(
      "What it writes", note: card.weights.map { _ in "What a unit of its activation does to the logits." },
      card.weightBlocks(link: link))
    add("What is lost without it", card.ablation.map { $0.blocks } ?? [])
    add("How the measures see it", card.measureBlocks)
  }
}

extension Origin {
  /// What a result was made from, in a sentence.
  public var words: String {
    "From \(model) (\(ModelIdentity.short(modelDigest)))"
      + (corpus.isEmpty ? "." : " on \(corpus.joined(separator: ", ")).")
  }
}

extension NeuronCard {
  /// What it fires for, in a sentence.
  fileprivate var lead: String? {
    let shown = meanings.prefix(3).map { "“\($0.words)”" }
    let place = "Column \(neuron.index) of \(neuron.site)."
    guard !shown.isEmpty else { return place }
    let list = shown.count > 1 ? shown.dropLast().joined(separator: ", ") + " and " + (shown.last ?? "") : shown[0]
    return (shown.count > 1 ? "Fires for \(list)." : "Fires most for \(list).") + " " + place
  }

  fileprivate var facts: [Page.Fact] {
    var facts: [Page.Fact] = []
    if let statistics {
      facts = [
        .init("fires on", Format.percent(statistics.firing) + " of \(Format.count(statistics.count)) tokens"),
        .init("mean", Format.fixed(statistics.mean)),
        .init("standard deviation", Format.fixed(statistics.standardDeviation)),
        .init(
          "range", "\(Format.fixed(Double(statistics.minimum), 2)) to \(Format.fixed(Double(statistics.maximum), 2))"),
        .init("skewness", Format.fixed(statistics.skewness, 1)),
        .init("kurtosis", Format.fixed(statistics.kurtosis, 1)),
      ]
    }
    if let share = measures?[.lexicalShare] ?? lexicalShare {
      facts.append(.init("one token form", Format.percent(share) + " of the top examples"))
    }
    if let depth { facts.append(.init("depth", Format.percent(depth))) }
    return facts
  }

  fileprivate var scale: Float {
    max(abs(examples.top.first?.value ?? 0), abs(examples.bottom.first?.value ?? 0))
  }

  fileprivate var meaningNote: String? {
    guard !meanings.isEmpty else { return nil }
    return meanings.contains { !$0.labels.isEmpty }
      ? "Top examples grouped by what they are about: the corpus's labels, related ones together."
      : "Top examples grouped by what they are about: regions of the residual stream, since no labels were used."
  }

  fileprivate var meaningBlocks: [PageBlock] {
    meanings.map { meaning in
      var note = "\(Format.percent(meaning.topShare)) of the top examples"
      if let separation = meaning.separation {
        note += "; separated from all else with an AUROC of \(Format.fixed(separation, 2))"
      }
      if !meaning.context.isEmpty {
        note += "; told by " + meaning.context.prefix(6).map { "“\($0.onOneLine)”" }.joined(separator: " ")
      }
      return .examples(PageExamples(meaning.words, note: note + ".", scale: scale, meaning.examples))
    }
  }

  fileprivate var exampleBlocks: [PageBlock] {
    var blocks: [PageBlock] = []
    func add(_ title: String, _ examples: [NeuronExample], isOpen: Bool) {
      guard !examples.isEmpty else { return }
      blocks.append(
        .folded(title: title, isOpen: isOpen, place: nil, [.examples(PageExamples("", scale: scale, examples))]))
    }
    add("Strongest (\(examples.top.count))", examples.top, isOpen: true)
    add("Most negative (\(examples.bottom.count))", examples.bottom, isOpen: true)
    for quantile in quantiles.reversed() {
      let range = "\(Int((quantile.from * 100).rounded()))–\(Int((quantile.to * 100).rounded())) %"
      add("Sampled from the \(range) of tokens by activation", quantile.examples, isOpen: false)
    }
    return blocks
  }

  /// Counts on a logarithmic scale, since almost all tokens lie near zero.
  fileprivate var histogramFigure: Figure? {
    histogram?.occupied.map { .histogram("Activations of \(neuron)", of: "activation", $0, noun: "tokens") }
  }

  fileprivate func weightBlocks(link: (NeuronReference) -> String?) -> [PageBlock] {
    var blocks: [PageBlock] = []
    if let weights {
      func bars(_ title: String, _ effects: [NeuronWeightSummary.TokenEffect]) -> PageBlock {
        .bars(PageBars(title, effects.map { ($0.text, Double($0.effect)) }))
      }
      blocks.append(.beside([[bars("Promotes", weights.promoted)], [bars("Suppresses", weights.suppressed)]]))
      var facts: [Page.Fact] = [
        .init("‖w_in‖", Format.fixed(weights.inputNorm, 2)), .init("‖w_out‖", Format.fixed(weights.outputNorm, 2)),
        .init("cos(w_in, w_out)", Format.fixed(weights.inputOutputCosine, 2)),
        .init("kurtosis over the vocabulary", Format.fixed(weights.vocabularyKurtosis, 1)),
      ]
      if let bias = weights.inputBias { facts.insert(.init("b_in", Format.fixed(bias, 2)), at: 1) }
      blocks.append(.facts(facts))
    }
    if let neighbours {
      func table(_ caption: String, _ some: [NeuronNeighbours.Neighbour]) -> PageBlock {
        .table(
          PageTable(
            caption, columns: [.init("neuron"), .init("cosine", isNumber: true)],
            rows: some.map {
              [.init("\($0.neuron)", link: link($0.neuron)), .init(Format.fixed($0.cosine, 2))]
            }))
      }
      blocks.append(
        .beside([
          [table("Neurons that write the same", neighbours.writing)],
          [table("Neurons that read the same", neighbours.reading)],
        ]))
    }
    if !features.isEmpty {
      blocks.append(
        .table(
          PageTable(
            "Features of the dictionary that load most on it",
            columns: [.init("feature"), .init("strength", isNumber: true)],
            rows: features.map { [.init("\($0.feature)"), .init(Format.fixed($0.strength, 2))] })))
    }
    if !concepts.isEmpty {
      blocks.append(
        .table(
          PageTable(
            "Directions of concepts beside its weights",
            columns: [
              .init("concept"), .init("cos with input", isNumber: true), .init("cos with output", isNumber: true),
              .init("direction from"),
            ],
            rows: concepts.map {
              [.init($0.concept), .init(Format.fixed($0.reading)), .init(Format.fixed($0.writing)), .init($0.origin)]
            })))
    }
    return blocks
  }

  fileprivate var measureBlocks: [PageBlock] {
    guard let measures else { return [] }
    return [.facts(measures.present.map { .init($0.title, Format.fixed(measures[$0] ?? .nan, 2)) })]
  }
}

extension AblatedNeuron {
  /// The change of the loss by domain, with its table and the tokens that suffer.
  var blocks: [PageBlock] {
    let shown = domains.sorted { $0.change > $1.change }
    let figure = Figure(
      "Loss without \(neuron), by domain",
      caption:
        "Nats a token that the loss grows by when the activation is replaced by \(replacementWords); bars of two "
        + "standard errors over documents.", panelWidth: max(460, 120 + 34 * Double(shown.count)),
      panels: [
        .init(
          x: .categories(shown.map(\.domain)), y: .init("change, nats a token"),
          marks: [
            .bars(
              heights: shown.map(\.change), lower: shown.map { $0.change - 2 * $0.standardError },
              upper: shown.map { $0.change + 2 * $0.standardError })
          ])
      ])
    var blocks: [PageBlock] = [
      .figure(figure), .table(PageTable("p-values are corrected for the number of domains (Holm)", table())),
    ]
    if !worst.isEmpty {
      let scale = worst.map { abs($0.change) }.max() ?? 1
      blocks.append(
        .examples(
          PageExamples(
            "Tokens that are predicted worse", note: "The number is what the token's loss grows by.", scale: scale,
            worst.map { token in
              var example = PageExamples.Example(token.example)
              (example.value, example.label) = (token.change, token.domain)
              return example
            })))
    }
    return blocks
  }
}
