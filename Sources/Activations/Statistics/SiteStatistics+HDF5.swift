import Diagnostics
import HDF5

extension [String: SiteStatistics] {
  /// Writes `/statistics/<hook name>/…` for each site, in the run's order.
  func write(in group: borrowing H5Group, order: [StoredSite]) throws {
    let known = order.map(\.name).filter { self[$0] != nil }
    for name in known + keys.filter({ !known.contains($0) }).sorted() {
      guard let statistics = self[name] else { continue }
      let site = try group.makeGroup(name)
      try statistics.write(in: site)
      try site.close()
    }
  }
}

extension H5Group {
  /// Writes a small table whole, in checked chunks of some MiB.
  func write<Element: H5Element>(_ elements: [Element], as name: String, shape: [Int]? = nil) throws {
    let shape = shape ?? [elements.count]
    precondition(shape.reduce(1, *) == elements.count, "\(name): \(elements.count) elements for \(shape)")
    if elements.isEmpty {
      let dataset = try makeDataset(name, Element.elementType, shape: shape)
      try dataset.close()
      return
    }
    let rowBytes = shape.dropFirst().reduce(MemoryLayout<Element>.size, *)
    let rows = min(shape[0], max(1, (2 << 20) / rowBytes))
    let dataset = try makeDataset(name, Element.elementType, shape: shape, chunk: [rows] + shape.dropFirst())
    // Chunks are written whole, with their checksums: HDF5's own filter takes ten times as long for those.
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: rows * rowBytes + 4, alignment: 4096)
    defer { chunk.deallocate() }
    try elements.withUnsafeBytes { bytes in
      for row in stride(from: 0, to: shape[0], by: rows) {
        let some = UnsafeRawBufferPointer(rebasing: bytes[(row * rowBytes)...].prefix(rows * rowBytes))
        chunk.copyMemory(from: some)
        UnsafeMutableRawBufferPointer(rebasing: chunk[some.count...]).initializeMemory(as: UInt8.self, repeating: 0)
        try dataset.writeChunk(chunk, row: row)
      }
    }
    try dataset.close()
  }
}

extension SiteStatistics {
  func write(in group: borrowing H5Group) throws {
    try group.setAttribute("width", Int64(width))
    let total = try group.makeDataset("count", .int64, shape: [])
    try total.write([Int64(count)])
    try total.close()
    try group.write(mean, as: "mean")
    try group.write(variance, as: "variance")
    try group.write(skewness, as: "skewness")
    try group.write(kurtosis, as: "kurtosis")
    try group.write(minimum, as: "minimum")
    try group.write(maximum, as: "maximum")
    try group.write(firing, as: "firing")
    if let histogram {
      try group.write(histogram.counts, as: "histogram", shape: [width, histogram.bins])
      try group.write(histogram.edges, as: "histogram_edges")
    }
    try top?.write(in: group, prefix: "top", width: width)
    try bottom?.write(in: group, prefix: "bottom", width: width)
    if let sample {
      try group.setAttribute("sample_capacity", Int64(sample.capacity))
      try group.write(sample.priorities, as: "sample_priority")
      try group.write(sample.rows, as: "sample_row")
      try group.write(sample.documents, as: "sample_document")
      try group.write(sample.values, as: "sample_value", shape: [sample.count, width])
    }
  }

  /// Reads what `write` wrote, and holds every table's shape against the others and its places against the store.
  ///
  /// - Parameters:
  ///   - expected: the width of the site, where it is known.
  ///   - rows: the rows of the store up to the end of the file, and its documents.
  init(reading group: borrowing H5Group, width expected: Int?, rows: Int, documents: Int) throws {
    self = try SiteStatistics(reading: group)
    guard let problem = problem(width: expected, rows: rows, documents: documents) else { return }
    throw Fault(
      .badData, "store.statistics", "Statistics of a store do not fit its rows", file: group.file, place: group.path,
      expected: "places in \(rows) rows and \(documents) documents" + (expected.map { ", \($0) columns" } ?? ""),
      found: problem, advice: "restore the file from a copy, or capture again")
  }

  private init(reading group: borrowing H5Group) throws {
    let width = try group.dataset("mean").count
    func column<Element: H5Element>(_ name: String, _ type: Element.Type) throws -> [Element] {
      try group.table(name, type, shape: [width])
    }
    let total = try group.dataset("count")
    guard let count = try total.read(as: Int64.self).first, count >= 0 else { throw group.misshapen("count", []) }
    self.init(
      width: width, count: Int(count), mean: try column("mean", Double.self),
      variance: try column("variance", Double.self), skewness: try column("skewness", Double.self),
      kurtosis: try column("kurtosis", Double.self), minimum: try column("minimum", Float.self),
      maximum: try column("maximum", Float.self), firing: try column("firing", Double.self))
    if group.contains("histogram") {
      let edges = try group.dataset("histogram_edges").read(as: Float.self)
      let bins = max(0, edges.count - 1)
      histogram = Histogram(
        edges: edges, counts: try group.table("histogram", Int64.self, shape: [width, bins]))
    }
    top = try TopExamples(reading: group, prefix: "top", width: width)
    bottom = try TopExamples(reading: group, prefix: "bottom", width: width)
    if group.contains("sample_row") {
      let rows = try group.dataset("sample_row").read(as: Int64.self)
      let capacity = try group.numberAttribute("sample_capacity", as: Int64.self)
      sample = RowSample(
        capacity: capacity.flatMap { Int(exactly: $0) } ?? rows.count,
        priorities: try group.table("sample_priority", UInt64.self, shape: [rows.count]), rows: rows,
        documents: try group.table("sample_document", Int32.self, shape: [rows.count]),
        values: try group.table("sample_value", Float.self, shape: [rows.count, width]))
    }
  }
}

extension TopExamples {
  func write(in group: borrowing H5Group, prefix: String, width: Int) throws {
    try group.write(values, as: "\(prefix)_value", shape: [width, k])
    try group.write(rows, as: "\(prefix)_row", shape: [width, k])
    try group.write(documents, as: "\(prefix)_document", shape: [width, k])
  }

  init?(reading group: borrowing H5Group, prefix: String, width: Int) throws {
    guard group.contains("\(prefix)_value") else { return nil }
    let shape = try group.dataset("\(prefix)_value").shape
    guard shape.count == 2, shape[0] == width else { throw group.misshapen("\(prefix)_value", [width]) }
    k = shape[1]
    values = try group.table("\(prefix)_value", Float.self, shape: shape)
    rows = try group.table("\(prefix)_row", Int64.self, shape: shape)
    documents = try group.table("\(prefix)_document", Int32.self, shape: shape)
  }
}

extension H5Group {
  func table<Element: H5Element>(_ name: String, _: Element.Type, shape: [Int]) throws -> [Element] {
    let dataset = try dataset(name)
    guard try dataset.shape == shape else { throw misshapen(name, shape) }
    return try dataset.read(as: Element.self)
  }

  func misshapen(_ name: String, _ expected: [Int]) -> Fault {
    Fault(
      .badData, "store.shape", "A dataset is not of the shape it must have", file: file, place: "\(path)/\(name)",
      expected: "\(expected)", advice: "the file was changed after it was written: restore or make it again")
  }
}
