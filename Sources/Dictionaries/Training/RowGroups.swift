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
final class RowGroups {
  let source: any ActivationSource
  let settings: TrainingSettings
  /// Rows of a group.
  let groupRows: Int
  let heldOut: HeldOutRule
  /// Rows with a larger norm are left out; nil until the first group is known, or for none.
  var largestNorm: Float?

  init(_ source: any ActivationSource, _ settings: TrainingSettings) throws {
    self.source = source
    self.settings = settings
    let width = try settings.sites.reduce(0) { $0 + (try source.site(named: $1).width) }
    let held = settings.shuffledTokens ?? max(4 * settings.batch, (256 << 20) / (4 * max(width, 1)))
    groupRows = max(held, settings.batch)
    heldOut = HeldOutRule(rows: source.rowCount, tokens: settings.tokens, width: width, seed: settings.seed)
    guard heldOut.trained(of: source.rowCount) >= settings.batch else {
      throw Fault(
        .badData, "dictionary.tooFewTokens", "The source has fewer tokens than a batch",
        expected: "at least \(settings.batch) beside those that are held out",
        found: "\(source.rowCount), one in \(heldOut.interval) held out",
        advice: "choose a smaller batch, or capture more text")
    }
  }

  /// Gives `body` one group after another from the given one on, until it answers false or an epoch brings no group.
  func forEachGroup(
    epoch first: Int, group start: Int,
    _ body: (_ epoch: Int, _ group: Int, RowGroup, HeldOutRows) throws -> Bool
  ) throws {
    var (epoch, from) = (first, start)
    while true {
      let goesOn =
        try rowReader(of: source).map { try readRuns(epoch, from: from, $0, body) }
        ?? readStream(epoch, from: from, body)
      guard goesOn else { return }
      epoch += 1
      from = 0
    }
  }

  private func readRuns(
    _ epoch: Int, from start: Int, _ read: (String, Range<Int>) throws -> Matrix,
    _ body: (Int, Int, RowGroup, HeldOutRows) throws -> Bool
  ) throws -> Bool {
    let length = max(1, min(settings.runTokens, groupRows))
    let runs = (source.rowCount + length - 1) / length
    var generator = SeededGenerator(seed: settings.seed, stream: "runs of epoch \(epoch)")
    let order = generator.permutation(runs)
    let together = max(1, groupRows / length)
    for group in start..<max(start, (runs + together - 1) / together) {
      var collected = GroupCollector(self)
      for run in order[group * together..<min((group + 1) * together, runs)].sorted() {
        let rows = run * length..<min((run + 1) * length, source.rowCount)
        try collected.add(try settings.sites.map { try read($0, rows) }, rows)
      }
      let (rows, held) = finish(&collected)
      if try !body(epoch, group, rows, held) { return false }
    }
    return true
  }

  private func readStream(
    _ epoch: Int, from start: Int, _ body: (Int, Int, RowGroup, HeldOutRows) throws -> Bool
  ) throws -> Bool {
    struct Stop: Error {}
    var collected = GroupCollector(self)
    var group = 0
    do {
      try source.stream(settings.sites, maximumRows: min(groupRows, 4096)) { block in
        // A group ends at the first block that fills it, so that groups follow from the source's blocks alone.
        if group >= start { try collected.add(block.values, block.rows) } else { collected.rows += block.rows.count }
        guard collected.rows >= groupRows else { return }
        if group >= start {
          let (rows, held) = finish(&collected)
          if try !body(epoch, group, rows, held) { throw Stop() }
        }
        group += 1
        collected = GroupCollector(self)
      }
    } catch is Stop {
      return false
    }
    guard collected.rows > 0, group >= start else { return true }
    let (rows, held) = finish(&collected)
    return try body(epoch, group, rows, held)
  }

  /// The group's rows and those held out, without those whose norm is far above the median.
  private func finish(_ collected: inout GroupCollector) -> (rows: RowGroup, held: HeldOutRows) {
    let groups = collected.parts.map(collected.group)
    collected = GroupCollector(self)
    let norms = groups[0].input.rowNorms
    if let times = settings.outlierNorm, largestNorm == nil, !norms.isEmpty {
      var sorted = norms
      largestNorm = selectLargest(&sorted, (norms.count + 1) / 2) * times
    }
    let (rows, sample, judged) = (usual(groups[0]), usual(groups[1]), usual(groups[2]))
    return (rows, HeldOutRows(sample: sample, judged: judged))
  }

  private func usual(_ group: RowGroup) -> RowGroup {
    guard let limit = largestNorm else { return group }
    let norms = group.input.rowNorms
    let kept = norms.indices.filter { norms[$0] <= limit }
    guard kept.count < norms.count else { return group }
    return RowGroup(input: group.input.selectingRows(kept), target: group.target?.selectingRows(kept))
  }
}

extension TrainingSettings {
  /// The sites that training reads.
  var sites: [String] { [site] + (target.map { [$0] } ?? []) }
}

/// Rows of a group as they come.
private struct GroupCollector {
  /// Rows to train on, rows to set thresholds on, and rows to judge by: for each site one after another.
  var parts: [[[Float]]]
  let width: [Int]
  /// Rows read, those left out included.
  var rows = 0
  private let source: any ActivationSource
  private let settings: TrainingSettings
  private let heldOut: HeldOutRule

  init(_ data: RowGroups) {
    source = data.source
    settings = data.settings
    width = settings.sites.map { name in data.source.sites.first { $0.name == name }?.width ?? 1 }
    heldOut = data.heldOut
    parts = (0..<3).map { _ in data.settings.sites.map { _ in [] } }
  }

  /// A part as matrices.
  func group(_ part: [[Float]]) -> RowGroup {
    let matrices = zip(part, width).map { Matrix(rows: $0.count / $1, columns: $1, elements: $0) }
    return RowGroup(input: matrices[0], target: matrices.count > 1 ? matrices[1] : nil)
  }

  mutating func add(_ values: [Matrix], _ range: Range<Int>) throws {
    rows += range.count
    for (index, matrix) in values.enumerated() { try check(matrix, range, settings.sites[index]) }
    var places: [[Int]] = [[], [], []]
    for place in try source.places(in: range, countingSpecialTokens: settings.countsSpecialTokens) {
      switch heldOut.part(ofRow: range.lowerBound + place) {
      case nil: places[0].append(place)
      case .sample: places[1].append(place)
      case .judged: places[2].append(place)
      }
    }
    for (part, places) in places.enumerated() where !places.isEmpty {
      for (index, matrix) in values.enumerated() { parts[part][index] += matrix.selectingRows(places).elements }
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
