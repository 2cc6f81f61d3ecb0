import Activations
import Dictionaries
import Foundation
import Reports

extension Page {
  /// A whole dictionary's page: a table of all latents that are active, and some of them in detail.
  ///
  /// - Parameters:
  ///   - features: As `FeatureReader` reads them with the choice `.all`.
  ///   - details: Those that are shown whole.
  ///   - name: The dictionary's.
  ///   - link: The page of a latent that is not shown here, where there is one.
  public init(
    dictionary name: String, _ features: DictionaryFeatures, details: [LatentDetail], configuration: String,
    origin: Origin, link: (Int) -> String? = { _ in nil }
  ) {
    let shown = Set(details.map(\.latent))
    self.init(
      kind: "Dictionary", title: name,
      lead:
        "\(Format.count(features.latents)) latents at \(features.site), read on \(Format.count(features.rows)) tokens.",
      facts: [
        .init("latents", Format.count(features.latents)), .init("L0", Format.fixed(features.l0, 1)),
        .init("never active here", Format.count(features.deadLatents)), .init("architecture", configuration),
      ], source: origin.words)
    add(
      "All latents",
      note:
        "Click a heading to sort. A label is the one that the latent agrees best with; AUROC, precision and recall are "
        + "on documents that did not choose it.",
      [.table(Self.table(features) { shown.contains($0) ? "#latent-\($0)" : link($0) })])
    add(
      "How often they are active",
      [
        .figure(
          .histogram(
            "Latents by the share of tokens where they are active", of: "log10 of the share",
            features.densities, noun: "latents"))
      ])
    add(
      "Latents in detail", note: "Those with the clearest labels, and what they fire at.",
      details.map { detail in
        let feature = features.features.first { $0.latent == detail.latent }
        return .folded(
          title: feature?.heading ?? "latent \(detail.latent)", isOpen: details.count == 1,
          place: "latent-\(detail.latent)", detail.blocks(feature, neuronSite: features.neuronSite))
      })
  }

  /// One latent's page.
  public init(
    latent detail: LatentDetail, _ feature: LatentFeature?, dictionary name: String, features: DictionaryFeatures,
    origin: Origin
  ) {
    self.init(
      kind: "Feature", title: "latent \(detail.latent) of \(name)",
      lead: feature?.sentence, facts: feature?.facts ?? [], source: origin.words)
    for (title, note, blocks) in detail.parts(feature, neuronSite: features.neuronSite) {
      add(title, note: note, blocks)
    }
  }

  private static func table(_ features: DictionaryFeatures, link: (Int) -> String?) -> PageTable {
    let hasLabels = features.features.contains { !$0.concepts.isEmpty }
    var columns: [PageTable.Column] = [
      .init("latent", isNumber: true), .init("active on", isNumber: true), .init("largest", isNumber: true),
      .init("mean", isNumber: true), .init("strongest at"), .init("promotes"),
    ]
    if hasLabels {
      columns += [
        .init("label"), .init("AUROC", isNumber: true), .init("precision", isNumber: true),
        .init("recall", isNumber: true),
      ]
    }
    columns.append(.init("nearest", isNumber: true))
    let rows = features.features.map { feature -> [PageTable.Cell] in
      var row: [PageTable.Cell] = [
        .init("\(feature.latent)", link: link(feature.latent)),
        .init(Format.percent(feature.density)), .init(Format.fixed(Double(feature.largest), 2)),
        .init(Format.fixed(feature.mean, 2)), .init((feature.examples.first?.token ?? "").onOneLine),
        .init(feature.promoted.prefix(4).map(\.text.onOneLine).joined(separator: " ")),
      ]
      if hasLabels {
        let concept = feature.concepts.first
        row += [
          .init(concept?.concept ?? ""), .init(concept.map { Format.fixed($0.heldOutAUROC) } ?? ""),
          .init(concept.map { Format.fixed($0.precision, 2) } ?? ""),
          .init(concept.map { Format.fixed($0.recall, 2) } ?? ""),
        ]
      }
      row.append(.init(feature.nearest.first.map { Format.fixed(Double($0.value), 2) } ?? ""))
      return row
    }
    return PageTable("", columns: columns, rows: rows)
  }
}

extension DictionaryFeatures {
  /// Latents by the logarithm of the share of rows where they are active.
  fileprivate var densities: ValueHistogram {
    ValueHistogram(of: features.filter { $0.density > 0 }.map { Float(log10($0.density)) }, bins: 40)
  }
}

extension LatentFeature {
  fileprivate var heading: String {
    "latent \(latent)" + (concepts.first.map { ": \($0.concept), AUROC \(Format.fixed($0.heldOutAUROC))" } ?? "")
      + (examples.first.map { ", at “\($0.token.onOneLine)”" } ?? "")
  }

  fileprivate var sentence: String? {
    guard let concept = concepts.first else { return nil }
    return
      "Of the labels it agrees best with “\(concept.concept)”: on for \(Format.percent(concept.recall)) of its documents, "
      + "and \(Format.percent(concept.precision)) of the documents where it is on are of it (documents held out)."
  }

  fileprivate var facts: [Page.Fact] {
    [
      .init("active on", Format.percent(density) + " of tokens"), .init("largest", Format.fixed(Double(largest), 2)),
      .init("mean where active", Format.fixed(mean, 2)),
    ]
  }
}

extension LatentDetail {
  /// All parts in one, for a page of many latents.
  fileprivate func blocks(_ feature: LatentFeature?, neuronSite: String?) -> [PageBlock] {
    [.facts(feature?.facts ?? [])] + parts(feature, neuronSite: neuronSite).flatMap(\.blocks)
  }

  fileprivate typealias Part = (title: String, note: String?, blocks: [PageBlock])

  fileprivate func parts(_ feature: LatentFeature?, neuronSite: String?) -> [Part] {
    let scale = top.first?.value ?? 1
    var share: String?
    if let token, !top.isEmpty {
      share = "\(Format.percent(tokenShare)) of these are at the token form “\(token.onOneLine)”."
    }
    var parts: [Part] = [
      (
        "Where it is strongest", share,
        [.examples(PageExamples("Strongest", scale: scale, top))]
      ),
      (
        "Over its whole range", "Places drawn at random from equal parts of the range of its values.",
        intervals.filter { $0.rows > 0 }.map { interval in
          .folded(
            title: "\(Format.fixed(Double(interval.low), 2)) to \(Format.fixed(Double(interval.high), 2)): "
              + "\(Format.count(interval.rows)) tokens", isOpen: true, place: nil,
            [.examples(PageExamples("", scale: scale, interval.examples))])
        }
      ),
    ]
    var figures: [PageBlock] = [
      .figure(
        .histogram(
          "Values of latent \(latent) where it is active", of: "value", values, noun: "tokens"))
    ]
    if let effects {
      figures.append(
        .figure(
          .histogram(
            "What a unit of it adds to each token's logit", of: "change of the logit", effects,
            noun: "tokens of the vocabulary")))
    }
    parts.append(("Distributions", nil, figures))
    if let feature { parts += Self.weights(feature, neuronSite: neuronSite) }
    if !concepts.isEmpty { parts.append(("Which concepts it tells", conceptNote, conceptBlocks)) }
    return parts
  }

  private static func weights(_ feature: LatentFeature, neuronSite: String?) -> [Part] {
    var parts: [Part] = []
    if !feature.promoted.isEmpty {
      func bars(_ title: String, _ effects: [LatentFeature.TokenEffect]) -> PageBlock {
        .bars(PageBars(title, effects.map { ($0.text, Double($0.effect)) }))
      }
      parts.append(
        (
          "What it writes", "What a unit of the latent does to the logits.",
          [.beside([[bars("Promotes", feature.promoted)], [bars("Suppresses", feature.suppressed)]])]
        ))
    }
    func table(_ caption: String, _ name: String, _ measure: String, _ some: [LatentFeature.Related]) -> PageBlock? {
      guard !some.isEmpty else { return nil }
      return .table(
        PageTable(
          caption, columns: [.init(name), .init(measure, isNumber: true)],
          rows: some.map { [.init("\($0.index)"), .init(Format.fixed(Double($0.value), 3))] }))
    }
    let tables = [
      table("Latents with the most similar direction", "latent", "cosine", feature.nearest),
      table("Neurons of \(neuronSite ?? "the layer") that go with it", "neuron", "correlation", feature.correlated),
      table("Largest coordinates of its direction", "coordinate", "share of ‖v‖₁", feature.aligned),
    ].compactMap(\.self)
    if !tables.isEmpty { parts.append(("What lies near it", nil, [.beside(tables.map { [$0] })])) }
    if let sites = feature.sites {
      parts.append(
        (
          "Where it lives", "Its share in each site of the crosscoder.",
          [.bars(PageBars("", sites.map { ($0.site, Double($0.share) * 100) }, decimals: 1))]
        ))
    }
    return parts
  }

  /// Labels whose documents it tells from all others with F1 of 0.5 or more: several of them are several meanings, or one
  /// broad one.
  private var conceptNote: String {
    let clear = concepts.filter { 2 * $0.precision * $0.recall >= 0.5 * ($0.precision + $0.recall) && $0.recall > 0 }
    let found =
      clear.isEmpty
      ? "It tells none of the labels with an F1 of 0.5."
      : clear.count == 1
        ? "It tells one label with an F1 of 0.5 or more."
        : "It tells \(clear.count) labels with an F1 of 0.5 or more: several meanings, or one broad one."
    return found + " Thresholds were chosen on one half of the documents; figures are of the other."
  }

  private var conceptBlocks: [PageBlock] {
    let sorted = concepts.sorted { $0.heldOutAUROC > $1.heldOutAUROC }
    return [
      .table(
        PageTable(
          "",
          columns: [
            .init("concept"), .init("data set"), .init("AUROC", isNumber: true), .init("precision", isNumber: true),
            .init("recall", isNumber: true), .init("on above", isNumber: true),
          ],
          rows: sorted.map {
            [
              .init($0.concept), .init($0.dataset ?? "the corpus"), .init(Format.fixed($0.heldOutAUROC)),
              .init(Format.fixed($0.precision, 2)), .init(Format.fixed($0.recall, 2)),
              .init(Format.fixed(Double($0.threshold), 2)),
            ]
          }))
    ]
  }
}
