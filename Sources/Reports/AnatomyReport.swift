import Anatomy
import Architectures

/// A model's anatomy for people: tables and bars on a terminal.
public struct AnatomyReport {
  public let anatomy: ModelAnatomy
  /// How many tokens the sizes of stores are counted for.
  public let storedTokens: Int
  /// The sites whose sizes are added up.
  public let storedSites: [StoredWidth]

  public init(_ anatomy: ModelAnatomy, storedTokens: Int = 1_000_000, storedSites: [StoredWidth] = []) {
    self.anatomy = anatomy
    self.storedTokens = storedTokens
    self.storedSites = storedSites
  }

  private var architecture: Architecture { anatomy.architecture }

  /// Everything: the summary, the diagram of the pass, and the tables.
  public func text(_ style: TerminalStyle) -> String {
    var parts = [summary(style), section("The pass", AnatomyDiagram(anatomy).terminal(style), style)]
    parts += tables.map { section($0.title, $0.table.rendered(style), style) }
    parts += anatomy.notes.map { style.dim($0) }
    return parts.joined(separator: "\n\n")
  }

  /// Every table, with what it is of.
  public var tables: [(title: String, table: TextTable)] {
    var tables = [("Parameters, and operations a token, by component", components())]
    if anatomy.layers.count <= 12 { tables.append(("Layer by layer", layers())) }
    return tables + [
      ("Memory of the weights (int8 and int4 without the scales kept beside them)", weights()),
      ("Cache of keys and values, in 16-bit numbers", cache()),
      ("A store of activations, \(Format.count(storedTokens)) tokens in float16", stores()),
      ("What doubling does", doublings()),
    ]
  }

  /// The derivation of every number, step by step.
  public func explanation(_ style: TerminalStyle) -> String {
    let steps = architecture.derivation(sequence: anatomy.sequence)
    let text = steps.enumerated().map { number, step in
      ([style.bold("\(number + 1). \(step.title)")] + step.lines.map { "   " + $0 }).joined(separator: "\n")
    }
    return ([summary(style)] + text).joined(separator: "\n\n")
  }

  private func section(_ title: String, _ body: String, _ style: TerminalStyle) -> String {
    style.bold(style.cyan(title)) + "\n" + body
  }

  /// The model's size in words.
  public func summary(_ style: TerminalStyle) -> String {
    let neurons = anatomy.neurons
    var lines = [
      style.bold(architecture.name)
        + style.dim(
          "  \(architecture.modelType) · \(architecture.layers) layers · width \(Format.count(architecture.width))"
            + " · vocabulary \(Format.count(architecture.vocabularySize))"
            + " · context \(Format.count(architecture.context))")
    ]
    func line(_ name: String, _ text: String) { lines.append("  " + name.padded(to: 12) + text) }
    line(
      "parameters",
      "\(style.bold(Format.count(anatomy.parameters))): \(Format.count(anatomy.weights)) weights, "
        + "\(Format.count(anatomy.biases)) biases")
    if anatomy.activeParameters < anatomy.parameters {
      line(
        "",
        "a token uses \(Format.count(anatomy.activeParameters)) of them "
          + "(\(share(anatomy.activeParameters, anatomy.parameters)))")
    }
    if let stored = anatomy.stored {
      let difference = stored.numbers - anatomy.parameters
      line(
        "",
        "the files hold \(Format.count(stored.numbers)) numbers"
          + (difference == 0
            ? ", exactly these"
            : ", \(Format.count(abs(difference))) \(difference > 0 ? "more: copies, masks or parts not counted here" : "fewer")")
      )
    }
    line(
      "12·L·D²",
      "\(Format.count(anatomy.ruleOfThumb)), the rule of thumb for the blocks: they have "
        + "\(Format.count(anatomy.blockParameters)) (rule / exact = "
        + "\(Format.fixed(Double(anatomy.ruleOfThumb) / Double(anatomy.blockParameters), 3)))")
    line("neurons", "\(Format.count(neurons.embeddingDimensions)) dimensions of an embedding; \(mlpNeurons(neurons))")
    line(
      "heads",
      "\(neurons.headsPerLayer) a layer, \(Format.count(neurons.heads)) in all, \(architecture.blocks[0].attention.headWidth) wide"
        + (neurons.keyValueHeadsPerLayer == neurons.headsPerLayer
          ? "" : "; keys and values in \(neurons.keyValueHeadsPerLayer), shared"))
    line(
      "operations",
      "\(Format.operations(anatomy.flopsPerToken)) a token, in texts of \(Format.count(anatomy.sequence)) tokens; "
        + "\(share(anatomy.attentionFlopsPerToken, anatomy.flopsPerToken)) of it scores and mixing")
    return lines.joined(separator: "\n")
  }

  private func mlpNeurons(_ neurons: NeuronCounts) -> String {
    guard let experts = architecture.blocks.lazy.compactMap(\.experts).first else {
      return "\(Format.count(neurons.perDenseLayer)) MLP neurons a layer, \(Format.count(neurons.total)) in all"
    }
    return "\(Format.count(neurons.total)) MLP neurons, of which a token wakes \(Format.count(neurons.awake)); "
      + "\(experts.active) of \(experts.count) experts of \(Format.count(experts.expert.neurons))"
      + (experts.shared == nil ? "" : " and a shared one")
  }

  private func share(_ part: Int, _ whole: Int) -> String { share(Double(part), Double(whole)) }
  private func share(_ part: Double, _ whole: Double) -> String { Format.percent(whole > 0 ? part / whole : 0) }

  private func components() -> TextTable {
    var table = TextTable([
      .left("name"), .text("what"), .left("one copy"), .right("copies"), .right("weights"), .right("biases"),
      .right("share"), .right("a token"),
    ])
    for component in anatomy.components {
      let copies = component.copies * (component.layers ?? 1)
      table.append([
        component.name, component.title, component.shape.map(Format.count).joined(separator: " × "),
        "\(Format.count(copies))", component.isTied ? "tied" : Format.count(component.weights),
        component.biases == 0 ? "" : Format.count(component.biases),
        share(component.parameters, anatomy.parameters),
        component.flops == 0 ? "" : Format.operations(Double(component.flops)),
      ])
    }
    let attention = anatomy.operations.filter {
      $0.branch == .attention && !$0.dependsOnWidth && $0.formula.contains("T̄")
    }
    for operation in attention {
      table.append([
        "", operation.title, "no parameters", "", "", "", "",
        Format.operations(operation.flops * Double(operation.layers)),
      ])
    }
    table.append([
      "", "all", "", "", Format.count(anatomy.weights), Format.count(anatomy.biases), "100.0 %",
      Format.operations(anatomy.flopsPerToken),
    ])
    return table
  }

  private func layers() -> TextTable {
    var table = TextTable([
      .left("layers"), .left("MLP"), .left("sees"), .right("neurons"), .right("attention"), .right("MLP"),
      .right("norms"), .right("each"), .right("used by a token"),
    ])
    for run in anatomy.layers {
      table.append([
        run.first == run.last ? "\(run.first)" : "\(run.first)–\(run.last)", run.hasExperts ? "experts" : "dense",
        run.window.map { "\(Format.count($0)) back" } ?? "all", Format.count(run.neurons), Format.count(run.attention),
        Format.count(run.mlp), Format.count(run.norms), Format.count(run.parameters), Format.count(run.active),
      ])
    }
    return table
  }

  private func weights() -> TextTable {
    var table = TextTable([.left("numbers"), .right("bytes"), .left("")])
    let most = anatomy.weightBytes.map(\.bytes).max() ?? 1
    for size in anatomy.weightBytes {
      table.append([
        size.type.rawValue, Format.bytes(size.bytes),
        TerminalChart.bar(Double(size.bytes) / Double(max(1, most)), width: 32),
      ])
    }
    return table
  }

  private func cache() -> TextTable {
    let isLatent = architecture.blocks.contains { $0.attention.latent != nil }
    var table = TextTable(
      [.right("tokens"), .right("bytes"), .right("a token")] + (isLatent ? [.right("without the latent")] : []))
    for size in anatomy.cache {
      table.append([
        Format.count(size.tokens), Format.bytes(size.bytes), Format.bytes(size.bytes / max(1, size.tokens)),
        Format.bytes(size.expandedBytes),
      ])
    }
    return table
  }

  private func stores() -> TextTable {
    var table = TextTable([
      .left("site"), .left("shape"), .right("numbers a token"), .right("layers"), .right("one layer"),
      .right("all layers"),
    ])
    for store in anatomy.stores {
      let all = store.bytes(tokens: storedTokens)
      table.append([
        store.site, store.axes, Format.count(store.width), "\(store.layers)",
        Format.bytes(all / Double(store.layers)), Format.bytes(all),
      ])
    }
    if !storedSites.isEmpty {
      let sum = storedSites.reduce(0.0) { $0 + $1.bytes(tokens: storedTokens) }
      table.append([
        storedSites.map(\.site).joined(separator: " + "), "together",
        Format.count(storedSites.reduce(0) { $0 + $1.width * $1.layers }), "", "", Format.bytes(sum),
      ])
    }
    return table
  }

  private func doublings() -> TextTable {
    var table = TextTable([
      .left("twice the"), .right("parameters"), .right("FLOPs/token"), .right("FLOPs/text"), .right("cache"),
      .right("neurons"), .right("resid store"),
    ])
    for change in anatomy.doublings {
      table.append(
        [change.dimension.rawValue]
          + [change.parameters, change.flops, change.textFlops, change.cache, change.neurons, change.residualStore]
          .map { $0 == 1 ? "·" : "× " + Format.fixed($0, 2) })
    }
    return table
  }
}

extension AnatomyReport {
  /// What can be said of a model whose width alone is told.
  public static func text(_ model: WidthOnly, _ style: TerminalStyle) -> String {
    let width = Format.count(model.width)
    return """
      \(style.bold(model.title))  \(style.yellow(model.standing))
        width       about \(width) dimensions of an embedding (D)
        12·D²       \(Format.count(model.parametersPerUsualBlock)) parameters in one block, if it has the usual shape
        resid_post  \(Format.bytes(2 * model.width)) a token and layer in float16
      Layers, heads, neurons and vocabulary are not public, so nothing else can be counted.
      """
  }
}

extension Format {
  /// Floating-point operations with a decimal prefix: 1.72 GFLOP.
  public static func operations(_ value: Double) -> String {
    var size = value
    for unit in ["FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP"] {
      if abs(size) < 1000 { return unit == "FLOP" ? "\(Int(size)) FLOP" : "\(Format.fixed(size, 2)) \(unit)" }
      size /= 1000
    }
    return "\(Format.fixed(size, 2)) PFLOP"
  }

  /// A size in bytes that may be beyond `Int`.
  static func bytes(_ value: Double) -> String {
    if value < 0x1p60 { return bytes(Int(value)) }
    return "\(Format.fixed(value / 0x1p60, 1)) EiB"
  }
}

extension String {
  /// This string with spaces up to a number of columns.
  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - displayWidth)) }
}
