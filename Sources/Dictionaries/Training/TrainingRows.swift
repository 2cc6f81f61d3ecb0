import Activations
import Diagnostics
import LinearAlgebra

/// Rows that are shuffled together, of the site that is read and, for a transcoder, of the one that is predicted.
struct RowGroup {
  var input: Matrix
  var target: Matrix?
}

/// Reads a source in groups that fit into memory, in an order that follows from the seed alone.
///
/// A store is cut into runs of consecutive rows; each epoch puts the runs into a random order and takes as many at a time
/// as a group holds, reading them from front to back. Any other source is read from its beginning to its end, a group
/// being what comes next. Within a group every order of the rows is equally likely; the trainer draws it.
final class TrainingRows {
  let source: any ActivationSource
  let settings: TrainingSettings
  /// Rows of a group.
  let groupRows: Int
  /// Rows with a larger norm are left out; nil until the first group is known, or for none.
  var largestNorm: Float?

  init(_ source: any ActivationSource, _ settings: TrainingSettings) throws {
    self.source = source
    self.settings = settings
    let width = try settings.sites.reduce(0) { $0 + (try source.site(named: $1).width) }
    let held = settings.shuffledTokens ?? max(4 * settings.batch, (256 << 20) / (4 * max(width, 1)))
    groupRows = max(held, settings.batch)
    guard source.rowCount >= settings.batch else {
      throw Fault(
        .badData, "dictionary.tooFewTokens", "The source has fewer tokens than a batch",
        expected: "at least \(settings.batch)", found: "\(source.rowCount)",
        advice: "choose a smaller batch, or capture more text")
    }
  }

  /// Gives `body` one group after another from the given one on, until it answers false or an epoch brings no group.
  func forEachGroup(
    epoch first: Int, group start: Int, _ body: (_ epoch: Int, _ group: Int, RowGroup) throws -> Bool
  ) throws {
    var (epoch, from) = (first, start)
    while true {
      let goesOn =
        source is ActivationStore
        ? try readRuns(epoch, from: from, body) : try readStream(epoch, from: from, body)
      guard goesOn else { return }
      epoch += 1
      from = 0
    }
  }

  private func readRuns(
    _ epoch: Int, from start: Int, _ body: (Int, Int, RowGroup) throws -> Bool
  ) throws -> Bool {
    guard let store = source as? ActivationStore else { return false }
    let length = max(1, min(settings.runTokens, groupRows))
    let runs = (store.rowCount + length - 1) / length
    var generator = SeededGenerator(seed: settings.seed, stream: "runs of epoch \(epoch)")
    let order = generator.permutation(runs)
    let together = max(1, groupRows / length)
    for group in start..<max(start, (runs + together - 1) / together) {
      var collected = GroupCollector(self)
      for run in order[group * together..<min((group + 1) * together, runs)].sorted() {
        let rows = run * length..<min((run + 1) * length, store.rowCount)
        try collected.add(try settings.sites.map { try store.read($0, rows: rows) }, rows)
      }
      if try !body(epoch, group, finish(&collected)) { return false }
    }
    return true
  }

  private func readStream(
    _ epoch: Int, from start: Int, _ body: (Int, Int, RowGroup) throws -> Bool
  ) throws -> Bool {
    struct Stop: Error {}
    var collected = GroupCollector(self)
    var group = 0
    do {
      try source.stream(settings.sites, maximumRows: min(groupRows, 4096)) { block in
        // A group ends at the first block that fills it, so that groups follow from the source's blocks alone.
        if group >= start { try collected.add(block.values, block.rows) } else { collected.rows += block.rows.count }
        guard collected.rows >= groupRows else { return }
        if group >= start, try !body(epoch, group, finish(&collected)) { throw Stop() }
        group += 1
        collected = GroupCollector(self)
      }
    } catch is Stop {
      return false
    }
    guard collected.rows > 0, group >= start else { return true }
    return try body(epoch, group, finish(&collected))
  }

  /// The group's rows, without those whose norm is far above the median.
  private func finish(_ collected: inout GroupCollector) throws -> RowGroup {
    let width = collected.width
    var group = RowGroup(
      input: Matrix(rows: collected.elements[0].count / width[0], columns: width[0], elements: collected.elements[0]),
      target: width.count > 1
        ? Matrix(rows: collected.elements[1].count / width[1], columns: width[1], elements: collected.elements[1]) : nil
    )
    collected = GroupCollector(self)
    guard let times = settings.outlierNorm, group.input.rows > 0 else { return group }
    let norms = group.input.rowNorms
    if largestNorm == nil {
      var sorted = norms
      largestNorm = selectLargest(&sorted, (norms.count + 1) / 2) * times
    }
    let limit = largestNorm ?? .infinity
    let kept = norms.indices.filter { norms[$0] <= limit }
    if kept.count < norms.count {
      group.input = group.input.selectingRows(kept)
      group.target = group.target?.selectingRows(kept)
    }
    return group
  }
}

extension TrainingSettings {
  /// The sites that training reads.
  var sites: [String] { [site] + (target.map { [$0] } ?? []) }
}

/// Rows of a group as they come.
private struct GroupCollector {
  /// For each site, rows one after another.
  var elements: [[Float]]
  let width: [Int]
  /// Rows read, those left out included.
  var rows = 0
  private let source: any ActivationSource
  private let settings: TrainingSettings

  init(_ data: TrainingRows) {
    source = data.source
    settings = data.settings
    width = settings.sites.map { name in data.source.sites.first { $0.name == name }?.width ?? 1 }
    elements = settings.sites.map { _ in [] }
  }

  mutating func add(_ values: [Matrix], _ range: Range<Int>) throws {
    rows += range.count
    for (index, matrix) in values.enumerated() { try check(matrix, range, settings.sites[index]) }
    let special =
      source.rowKind == .token && !settings.countsSpecialTokens ? try source.tokens(in: range).special : []
    if special.contains(where: { $0 != 0 }) {
      let kept = special.indices.filter { special[$0] == 0 }
      for (index, matrix) in values.enumerated() { elements[index] += matrix.selectingRows(kept).elements }
    } else {
      for (index, matrix) in values.enumerated() { elements[index] += matrix.elements }
    }
  }

  private func check(_ matrix: Matrix, _ range: Range<Int>, _ site: String) throws {
    let bad = matrix.elements.withUnsafeBufferPointer { values in
      values.baseAddress.map { Kernels.countNonfinite($0, count: values.count) } ?? 0
    }
    guard bad > 0 else { return }
    let place = matrix.elements.firstIndex { !$0.isFinite } ?? 0
    throw Fault(
      .badData, "dictionary.activationNotFinite", "The activations hold numbers that are NaN or infinite",
      place: "\(site), row \(range.lowerBound + place / matrix.columns), column \(place % matrix.columns)",
      expected: "finite numbers", found: "\(bad) of \(matrix.elements.count) that are not, from there on",
      advice: "capture again, with --storage float32 or bfloat16 where float16 overflows")
  }
}
