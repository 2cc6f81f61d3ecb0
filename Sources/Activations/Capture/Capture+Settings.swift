import Architectures
import Diagnostics
import LinearAlgebra
import Transformer

extension Capture {
  /// Whether a site's rows have the same columns in every document, so that statistics of columns mean something.
  static func hasColumns(_ site: Site) -> Bool { site.kind != .scores && site.kind != .pattern }

  /// What the store says of a site.
  static func describe(
    _ site: Site, _ architecture: Architecture, _ settings: CaptureSettings, keys: Int
  ) -> StoredSite {
    let shape = architecture.shape(of: site)
    let experts = site.layer.flatMap { architecture.blocks[$0].experts }
    var stored = StoredSite(
      name: site.name, layer: site.layer, axes: shape.axes, shape: shape.lengths.map { $0 ?? keys },
      storage: settings.storage, gated: site.kind.holdsNeurons && architecture.isGated(layer: site.layer ?? 0),
      routing: site.kind.isOfRouting ? experts.map { Routing(experts: $0.count, active: $0.active) } : nil)
    // The numbers of experts are no measurements: none may be rounded.
    if !stored.storage.isExact(at: stored) { stored.storage = .float32 }
    return stored
  }

  static func check(_ settings: CaptureSettings, sites: [Site]) throws {
    guard !sites.isEmpty else {
      throw Fault(
        .usage, "capture.setting", "No site is left to capture", expected: "sites that the chosen layers have",
        found: "sites \(settings.sites), layers \(settings.layers ?? "all")")
    }
    let positive = [
      ("batch-tokens", settings.batchTokens ?? 1), ("shard-tokens", settings.shardTokens),
      ("shard-bytes", settings.shardBytes),
    ]
    for (name, value) in positive where value < 1 {
      throw Fault(
        .usage, "capture.setting", "A setting cannot be used", place: name, expected: "at least 1", found: "\(value)")
    }
    for (name, value) in [("top", settings.top), ("sample", settings.sample ?? 0)] where !(0...100_000 ~= value) {
      throw Fault(
        .usage, "capture.setting", "A setting cannot be used", place: name, expected: "0 to 100000", found: "\(value)")
    }
    guard settings.storage != .uint8 else {
      throw Fault(
        .usage, "capture.setting", "A capture cannot store uint8, which needs the columns' ranges first",
        place: "storage", expected: "float16, float32 or bfloat16", found: "uint8",
        advice: "capture in float16 and then run `unfold store pack --storage uint8`")
    }
    if settings.pool != nil, let site = sites.first(where: { !hasColumns($0) }) {
      throw Fault(
        .usage, "capture.pool",
        "Scores and patterns cannot be pooled, since their columns are other tokens in every row",
        place: site.name, expected: "no pooling, or other sites", found: "pool \(settings.pool?.rawValue ?? "")")
    }
    if let pool = settings.pool, let site = sites.first(where: \.kind.isInExpert) {
      throw Fault(
        .usage, "capture.pool",
        "The sites inside experts cannot be pooled, since a document's tokens go to different ones",
        place: site.name, expected: "no pooling, or other sites such as mlp_out or router_logits",
        found: "pool \(pool.rawValue)",
        advice: "capture without --pool; a probe pools the tokens that were routed to its expert")
    }
    guard settings.statistics || !settings.statisticsOnly else {
      throw Fault(
        .usage, "capture.setting", "A run of statistics alone without statistics does nothing", place: "statistics")
    }
    if settings.statisticsOnly, !sites.contains(where: hasColumns) {
      throw Fault(
        .usage, "capture.setting",
        "There are no statistics of scores and patterns, whose columns are other tokens in every row",
        place: "statistics-only", expected: "other sites", found: settings.sites)
    }
  }

  /// Label fields become names of datasets.
  static func check(_ options: CorpusOptions) throws {
    for field in options.labelFields where field.isEmpty || field == "." || field.contains("/") {
      throw Fault(
        .usage, "capture.setting", "A label field cannot have this name", place: "label-field",
        expected: "a name without \"/\"", found: "\"\(field)\"")
    }
  }

  /// The most tokens of a document.
  static func context(_ settings: CaptureSettings, _ architecture: Architecture) throws -> Int {
    guard let context = settings.context else { return architecture.context }
    guard context >= 1, context <= architecture.longestDocument ?? Int.max else {
      throw Fault(
        .usage, "capture.context", "This context cannot be used with the model", place: "context",
        expected: architecture.longestDocument.map { "1 to \($0), the positions that the model knows" }
          ?? "at least 1",
        found: "\(context)")
    }
    return context
  }

  /// Everything else that decides what is written, for the manifest.
  static func record(
    _ settings: CaptureSettings, _ options: CorpusOptions, context: Int, sample: Int, model: Model, sites: [Site]
  ) -> [String: String] {
    var record = [
      "context": String(context), "overflow": settings.overflow.rawValue,
      "pool": settings.pool?.rawValue ?? "none",
      "storage": settings.storage.rawValue, "compute": model.compute.rawValue, "top": String(settings.top),
      "sample": String(sample), "statistics": String(settings.statistics),
      "statistics-only": String(settings.statisticsOnly), "special-tokens": String(settings.addsSpecialTokens),
      "count-special-tokens": String(settings.countsSpecialTokens), "invalid-utf8": options.invalidUTF8.rawValue,
      "text-field": options.textField, "label-fields": options.labelFields.joined(separator: ","),
      "threads": String(Threads.count), "kernel": MatrixKernel.name(for: model.compute),
    ]
    if options.labelType != .automatic { record["label-type"] = options.labelType.rawValue }
    if let layer = sites.first(where: \.kind.isOfRouting)?.layer, let experts = model.architecture.blocks[layer].experts
    {
      record["router"] = experts.router.score.rawValue
    }
    let products = model.productChoices.description
    if !products.isEmpty { record[productsName] = products }
    if let share = settings.share { record["shard"] = "\(share.index)/\(share.count)" }
    return record
  }
}

extension Site.Kind {
  /// Whether a column is a neuron: of an MLP, of an expert or of shared experts.
  var holdsNeurons: Bool { self == .mlpPost || self == .expertPost || self == .sharedPost }
}

extension Site.Kind {
  /// Whether the site is the router's or inside an expert.
  var isOfRouting: Bool { isInExpert || self == .routerLogits || self == .expertWeights || self == .expertIndices }
}

extension Architecture {
  /// Whether a layer's neurons are gated.
  fileprivate func isGated(layer: Int) -> Bool {
    (blocks[layer].mlp ?? blocks[layer].experts?.expert)?.isGated ?? false
  }
}
