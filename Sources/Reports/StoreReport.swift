import Activations

extension StoreInfo {
  /// What the store is and holds, in words.
  public func report(_ style: TerminalStyle) -> String {
    var lines = [
      style.bold(path) + (isComplete ? "" : style.yellow("  not complete: resume the capture to finish it")),
      "\(Format.count(tokens)) tokens of \(Format.count(documents)) documents, \(Format.count(spans)) spans; "
        + "\(Format.bytes(bytes)) in \(shards) shard\(shards == 1 ? "" : "s")",
      "model \(run.origin.model) (\(ModelIdentity.short(run.origin.modelDigest))), corpus "
        + run.origin.corpus.joined(separator: ", ") + ", Unfold \(run.origin.version)",
    ]
    if !labels.isEmpty { lines.append("labels: \(labels.joined(separator: ", "))") }
    let settings = run.settings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    lines.append(style.dim(settings.joined(separator: ", ")))
    if let routedRows {
      let rows = routedRows.values.reduce(0, +)
      lines.append(
        "\(routedRows.count) sites inside experts, with a row for each token routed there: \(Format.count(rows)) rows")
    }
    return (lines + [table().rendered(style)]).joined(separator: "\n")
  }

  /// The sites: their rows, how they are stored, and whether there are statistics.
  public func table() -> TextTable {
    var table = TextTable([.left("site"), .left("row"), .right("rows"), .left("stored as"), .left("statistics")])
    let (gathered, stored) = (Set(statistics), Set(run.sites.map(\.name)))
    for site in run.sites {
      let shape = zip(site.axes, site.shape).map { "\($0) \($1)" }.joined(separator: " × ")
      table.append([
        site.name, shape, Format.count(routedRows?[site.name] ?? rows), site.storage.rawValue,
        gathered.contains(site.name) ? "yes" : "",
      ])
    }
    for name in statistics where !stored.contains(name) {
      table.append([name, "", "", "not stored", "yes"])
    }
    return table
  }
}
