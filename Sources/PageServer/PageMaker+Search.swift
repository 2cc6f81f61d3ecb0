import Activations
import Checkpoints
import Diagnostics
import Dictionaries
import Neurons
import Pages
import Probes
import Reports
import Tokenization
import Transformer

/// Neurons and features found by a text, or by a label of the store.
extension PageMaker {
  func search(_ text: String, _ kind: ServedQuestion.SearchKind, _ say: @escaping Say) throws -> Page {
    switch kind {
    case .text: try search(text: text, say)
    case .label: try search(label: text, say)
    }
  }

  private func search(text: String, _ say: @escaping Say) throws -> Page {
    let session = try content.requireSession()
    let tokenizer = try session.requireTokenizer()
    say("running the model")
    let corpus = Corpus(documents: [Document(id: "text", text: text)])
    var page = Page(
      kind: "Search", title: "“\(text.onOneLine.prefix(120))”", lead: "What is strongest on this text.",
      source: try sessionOrigin().words)
    let names = session.model.architecture.neuronSiteNames
    if !names.isEmpty {
      let live = try session.activations(of: corpus, sites: names)
      var known: [String: SiteStatistics] = [:]
      if let store = content.store, store.origin.isOfSameModel(as: live.origin) {
        for site in live.neuronSites { known[site.name] = try store.statistics(of: site.name) }
      }
      let found = try NeuronsTop.text(live, statistics: known, count: 40, piece: { tokenizer.text(of: $0) ?? "" })
      page.add(
        "Neurons",
        note: known.isEmpty
          ? "The strongest first."
          : "First those that are furthest above their mean over the store, in its standard deviations.",
        [.table(neurons(found))])
    }
    if let opened = content.dictionary {
      do {
        try DictionaryInput.requireModel(
          of: opened.dictionary.configuration, digest: try session.model.checkpoint.digest(), name: session.name)
        let found = try TextLatents(
          of: text, in: opened.dictionary, model: session.model, tokenizer: tokenizer, count: 40)
        page.add("Features", note: "First those that are active at most tokens.", [.table(features(found))])
      } catch let fault as Fault where fault.kind == .badData && !names.isEmpty {
        page.add("Features", [.note(fault.problem + ".")])
      }
    }
    return page
  }

  private func neurons(_ found: TextNeurons) -> PageTable {
    PageTable(
      "",
      columns: [
        .init("neuron"), .init("activation", isNumber: true), .init("mean", isNumber: true),
        .init("σ above", isNumber: true), .init("at"),
      ],
      rows: found.overall.map { neuron in
        [
          .init("\(neuron.neuron)", link: link(neuron.neuron)), .init(Format.fixed(Double(neuron.value), 3)),
          .init(neuron.mean.map { Format.fixed($0) } ?? "–"),
          .init(neuron.deviations.map { Format.fixed($0, 1) } ?? "–"),
          .init(found.tokens.indices.contains(neuron.token) ? found.tokens[neuron.token].text.onOneLine : ""),
        ]
      })
  }

  private func features(_ found: TextLatents) -> PageTable {
    PageTable(
      "",
      columns: [
        .init("latent", isNumber: true), .init("active at tokens", isNumber: true), .init("largest", isNumber: true),
        .init("at"),
      ],
      rows: found.overall.map { peak in
        [
          .init("\(peak.latent)", link: link(feature: peak.latent)), .init("\(peak.tokens)"),
          .init(Format.fixed(Double(peak.value), 2)), .init(found.tokens[peak.token].text.onOneLine),
        ]
      })
  }

  private func search(label: String, _ say: @escaping Say) throws -> Page {
    let store = try content.requireStore()
    let source: any ActivationSource = try LabelledBySet(store, column: content.column) ?? store
    var page = Page(
      kind: "Search", title: "“\(label.onOneLine.prefix(120))”",
      lead: "What tells documents of this label from all others.", source: source.origin.words)
    if !source.neuronSites.isEmpty {
      say("comparing neurons")
      let found = try neurons(of: label, source)
      page.add(
        "Neurons",
        note: "Chosen on \(Format.count(found.examples)) documents, judged on \(Format.count(found.heldOut)) others."
          + (found.dropped > 0 ? " \(Format.count(found.dropped)) that may be chance were left out." : ""),
        [
          found.ranked.isEmpty
            ? .note("No neuron separates the label on documents that did not choose it.")
            : .table(PageTable("", found.table()) { NeuronReference($0).flatMap(link) })
        ])
    }
    if let opened = content.dictionary {
      let rows = Format.count(source.rowCount)
      var reader = FeatureReader(choice: .concept(label), examples: 1, column: content.column, seed: content.seed)
      (reader.perConcept, reader.correlatesNeurons) = (20, false)
      let found = try reader.read(
        opened.dictionary, on: source, progress: { say("reading latents, \(Format.count($0)) of \(rows) rows") })
      page.add(
        "Features", note: "Thresholds were chosen on one half of the documents; figures are of the other.",
        [.table(features(found.concepts.filter { $0.concept == label }))])
    }
    return page
  }

  private func neurons(of label: String, _ source: some ActivationSource) throws -> ConceptNeurons {
    try NeuronsTop.concept(
      Concept(column: content.column, positive: label), in: source, count: 40, seed: content.seed)
  }

  private func features(_ found: [ConceptLatent]) -> PageTable {
    PageTable(
      "",
      columns: [
        .init("latent", isNumber: true), .init("AUROC", isNumber: true), .init("precision", isNumber: true),
        .init("recall", isNumber: true),
      ],
      rows: found.map {
        [
          .init("\($0.latent)", link: link(feature: $0.latent)), .init(Format.fixed($0.heldOutAUROC)),
          .init(Format.fixed($0.precision, 2)), .init(Format.fixed($0.recall, 2)),
        ]
      })
  }

  /// The page of a neuron, where there can be one.
  private func link(_ neuron: NeuronReference) -> String? {
    content.store == nil ? nil : ServedQuestion.neuron(neuron).address
  }

  private func link(feature: Int) -> String? {
    content.store == nil ? nil : ServedQuestion.feature(feature).address
  }
}
