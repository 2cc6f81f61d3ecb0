import Activations
import Diagnostics
import Dictionaries
import LinearAlgebra
import Neurons
import Pages
import Probes
import Reports

/// A reader's own text, coloured by what is read at each token.
extension PageMaker {
  func attempt(_ text: String, on subject: ServedQuestion.Subject, _ say: Say) throws -> Page {
    say("running the model")
    let reading =
      switch subject {
      case .neuron(let neuron): try self.reading(of: text, neuron: neuron)
      case .feature(let number): try self.reading(of: text, feature: number)
      case .probe: try self.probeReading(of: text)
      }
    var page = Page(
      kind: "Your text", title: "\(subject.words) on “\(text.onOneLine.prefix(80))”", lead: reading.lead,
      facts: reading.facts, source: try sessionOrigin().words)
    page.links = reading.link.map { [$0] } ?? []
    page.add(
      "Token by token", note: "Point at a token to see its figures.",
      [
        .passage(
          PagePassage("", measure: reading.measure, scale: reading.scale, tokens: reading.tokens)),
        .table(
          PageTable(
            "Strongest first",
            columns: [.init("token"), .init("position", isNumber: true), .init(reading.measure, isNumber: true)],
            rows: reading.tokens.filter { $0.value != nil && $0.value != 0 }
              .sorted { abs($0.value ?? 0) > abs($1.value ?? 0) }.prefix(100)
              .map {
                [
                  .init($0.text.onOneLine), .init("\($0.position ?? 0)"), .init(Format.fixed(Double($0.value ?? 0), 3)),
                ]
              })),
      ])
    return page
  }

  private struct TextReading {
    var tokens: [PageToken]
    var measure: String
    /// The value that has the full colour.
    var scale: Float
    var lead: String?
    var facts: [Page.Fact] = []
    var link: Page.Link?
  }

  /// The text as a corpus of one document.
  private func corpus(_ text: String) -> Corpus { Corpus(documents: [Document(id: "text", text: text)]) }

  /// A source's tokens with values at some of its rows, and the strongest of those that the tokenizer has not added: what
  /// stands at a begin token is often many times what any other token has.
  private func tokens(
    _ source: some ActivationSource, _ values: [Int: Float]
  ) throws -> (all: [PageToken], strongest: PageToken?) {
    let session = try content.requireSession()
    let table = try source.tokens(in: 0..<source.tokenCount)
    let all = table.ids.enumerated().map { row, id in
      PageToken(session.text(of: id), id: id, position: row, value: values[row])
    }
    let strongest = zip(all, table.special).filter { $0.value?.isFinite == true && $1 == 0 }
      .max { abs($0.0.value ?? 0) < abs($1.0.value ?? 0) }
    return (all, strongest?.0)
  }

  private func reading(of text: String, neuron: NeuronReference) throws -> TextReading {
    let session = try content.requireSession()
    let live = try session.activations(of: corpus(text), sites: neuron.site)
    let width = try live.site(named: neuron.site).width
    guard (0..<width).contains(neuron.index) else {
      throw Fault(
        .usage, "neurons.noSuchNeuron", "The site has no such neuron", place: neuron.site,
        expected: "0 to \(width - 1)",
        found: "\(neuron.index)")
    }
    var values: [Int: Float] = [:]
    try live.streamRouted([neuron.site], maximumRows: 512) { block in
      for (offset, row) in block.rowNumbers(0).enumerated() {
        values[row] = block.values[0].elements[offset * width + neuron.index]
      }
    }
    let (tokens, strongest) = try tokens(live, values)
    var reading = TextReading(
      tokens: tokens, measure: "activation", scale: abs(strongest?.value ?? 1),
      lead: strongest.map { "Strongest at “\($0.text.onOneLine)”: \(Format.fixed(Double($0.value ?? 0), 2))." })
    if let store = content.store, store.origin.isOfSameModel(as: live.origin),
      let known = try store.statistics(of: neuron.site), known.count > 0, known.width == width
    {
      reading.scale = max(abs(known.maximum[neuron.index]), abs(known.minimum[neuron.index]))
      let deviation = known.variance[neuron.index].squareRoot()
      reading.facts = [
        .init("mean of the store", Format.fixed(known.mean[neuron.index])),
        .init("largest of the store", Format.fixed(Double(known.maximum[neuron.index]), 2)),
      ]
      if let value = strongest?.value, deviation > 0 {
        reading.facts.append(
          .init("above the mean", "\(Format.fixed((Double(value) - known.mean[neuron.index]) / deviation, 1)) σ"))
      }
    }
    if content.store != nil { reading.link = .init("\(neuron)", ServedQuestion.neuron(neuron).address) }
    return reading
  }

  private func reading(of text: String, feature number: Int) throws -> TextReading {
    let (session, opened) = (try content.requireSession(), try content.requireDictionary())
    try opened.dictionary.requireLatents([number])
    let live = try opened.dictionary.activations(in: session, of: corpus(text))
    let (rows, numbers) = try opened.dictionary.rows(of: live, specialTokens: true)
    let latents = opened.dictionary.encode(rows)
    var values: [Int: Float] = [:]
    for (place, row) in numbers.enumerated() { values[row] = latents[place, number] }
    let (tokens, strongest) = try tokens(live, values)
    let active = tokens.count { ($0.value ?? 0) != 0 }
    return TextReading(
      tokens: tokens, measure: "value of latent \(number)", scale: abs(strongest?.value ?? 1),
      lead: active == 0 ? "It is active at no token of this text." : nil,
      facts: [.init("active at", "\(active) of \(tokens.count) tokens")],
      link: content.store == nil ? nil : .init("Latent \(number)", ServedQuestion.feature(number).address))
  }

  private func probeReading(of text: String) throws -> TextReading {
    let (session, probe) = (try content.requireSession(), try content.requireProbe().probe)
    let live = try session.activations(of: corpus(text), sites: probe.record.site.name)
    guard let reading = try probe.read(live).first else {
      throw Fault(
        .usage, "session.emptyText", "There is nothing to run the model on", expected: "a text of at least one token",
        found: "none")
    }
    let classes = probe.record.classes
    let outputs = max(probe.classifier.bias.count, 1)
    let shown = outputs > 1 ? reading.predictedClass ?? 0 : 0
    var values: [Int: Float] = [:]
    for (place, row) in reading.rows.enumerated() { values[row] = reading.tokenScores[place * outputs + shown] }
    let (tokens, strongest) = try tokens(live, values)
    let name = outputs > 1 ? classes[shown] : classes.last ?? ""
    var result = TextReading(
      tokens: tokens, measure: "score for “\(name)”", scale: abs(strongest?.value ?? 1))
    if let predicted = reading.predictedClass {
      result.lead = "It says “\(classes[predicted])”."
      if let probability = reading.probabilities?[predicted] {
        result.lead = "It says “\(classes[predicted])” (\(Format.percent(probability)))."
      }
    }
    if let scores = reading.scores {
      result.facts = zip(outputs > 1 ? classes : [name], scores).prefix(12).map {
        .init("score for “\($0)”", Format.fixed(Double($1)))
      }
    }
    return result
  }
}
