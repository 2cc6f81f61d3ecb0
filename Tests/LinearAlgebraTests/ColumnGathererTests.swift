import LinearAlgebra
import Testing

@Suite struct ColumnGathererTests {
  /// Blocks of rows with documents in them, and rows that belong to none.
  private struct Sample {
    var columns: Int
    var values: [Float] = []
    var rows = 0
    var blocks: [(rows: Range<Int>, runs: [ColumnGatherer.Run])] = []
    /// The rows that count, with their documents.
    var counted: [(row: Int, document: Int32)] = []

    init(columns: Int, seed: UInt64, documents: Int, longest: Int) {
      self.columns = columns
      var generator = SeededGenerator(seed: seed)
      var runs: [ColumnGatherer.Run] = []
      var start = 0
      for document in 0..<documents {
        let length = 1 + generator.integer(below: longest)
        let first = rows - start
        // The first row of a document is left out, and one in its middle where it is long.
        let parts = length > 6 ? [1..<4, 5..<length] : [1..<length]
        for part in parts where !part.isEmpty {
          runs.append(.init(rows: first + part.lowerBound..<first + part.upperBound, document: Int32(document)))
          counted += part.map { (rows + $0, Int32(document)) }
        }
        for _ in 0..<length {
          for column in 0..<columns {
            // Columns of different scales and offsets; one constant, one of few values, so that equal ones meet.
            let normal = Float(generator.normal())
            switch column {
            case 0: values.append(3.5)
            case 1: values.append(Float(generator.integer(below: 3)) - 1)
            case 2: values.append(1000 + normal)
            default: values.append(normal * Float(column % 7 + 1) * 0.1)
            }
          }
        }
        rows += length
        if document % 5 == 4 || document == documents - 1 {
          blocks.append((start..<rows, runs))
          runs = []
          start = rows
        }
      }
    }

    func gather(_ gatherer: ColumnGatherer) -> Int? {
      for block in blocks {
        let bad = values.withUnsafeBufferPointer { values -> Int? in
          guard let base = values.baseAddress else { return nil }
          return gatherer.add(
            base + block.rows.lowerBound * columns, runs: block.runs, firstRow: block.rows.lowerBound)
        }
        if let bad { return bad }
      }
      return nil
    }

    func column(_ column: Int) -> [Float] { counted.map { values[$0.row * columns + column] } }
  }

  @Test(arguments: [1, 63, 64, 200])
  func equalsAPlainComputation(columns: Int) {
    let sample = Sample(columns: columns, seed: 7, documents: 23, longest: 90)
    let gatherer = ColumnGatherer(columns: columns, top: 5, keepsLowest: true, bins: .halfOctaves)
    #expect(sample.gather(gatherer) == nil)
    #expect(gatherer.moments.count == sample.counted.count)
    for column in 0..<columns {
      let values = sample.column(column).map(Double.init)
      let n = Double(values.count)
      let mean = values.reduce(0, +) / n
      func moment(_ power: Int) -> Double {
        values.reduce(0) { sum, value in sum + (0..<power).reduce(1.0) { product, _ in product * (value - mean) } }
      }
      // The powers of a column far from zero keep fewer digits of the mean: 1e-9 of the sums' own size.
      #expect(abs(gatherer.moments.mean[column] - mean) <= 1e-12 * max(1, abs(mean)))
      #expect(abs(gatherer.moments.second[column] - moment(2)) <= 1e-9 * max(1, moment(2)))
      #expect(abs(gatherer.moments.third[column] - moment(3)) <= 1e-7 * max(1, moment(4)))
      #expect(abs(gatherer.moments.fourth[column] - moment(4)) <= 1e-7 * max(1, moment(4)))
      #expect(gatherer.moments.minimum[column] == sample.column(column).min())
      #expect(gatherer.moments.maximum[column] == sample.column(column).max())
      #expect(gatherer.positive[column] == Int64(values.count { $0 > 0 }))
      checkLists(gatherer.highest, sample, column, sign: 1)
      checkLists(gatherer.lowest, sample, column, sign: -1)
      checkHistogram(gatherer, sample, column)
    }
    gatherer.reset()
    #expect(sample.gather(gatherer) == nil)
    #expect(gatherer.moments.count == sample.counted.count)
  }

  private func checkLists(_ lists: ColumnGatherer.Lists, _ sample: Sample, _ column: Int, sign: Float) {
    // The best row of each document, the first of equal ones; then the best documents, the first of equal ones.
    var best: [(value: Float, row: Int, document: Int32)] = []
    for (row, document) in sample.counted {
      let value = sample.values[row * sample.columns + column] * sign
      if best.last?.document != document {
        best.append((value, row, document))
      } else if value > best[best.count - 1].value {
        best[best.count - 1] = (value, row, document)
      }
    }
    let wanted = best.enumerated().sorted { ($1.element.value, $0.offset) < ($0.element.value, $1.offset) }
      .map(\.element).prefix(5)
    for (place, element) in wanted.enumerated() {
      #expect(lists.values[column * 5 + place] == element.value * sign)
      #expect(lists.rows[column * 5 + place] == Int64(element.row))
      #expect(lists.documents[column * 5 + place] == element.document)
    }
  }

  private func checkHistogram(_ gatherer: ColumnGatherer, _ sample: Sample, _ column: Int) {
    let edges = ColumnGatherer.Bins.halfOctaves.edges
    let bins = edges.count - 1
    var counts = [UInt32](repeating: 0, count: bins)
    for value in sample.column(column) {
      let bin =
        value < 0 ? edges.firstIndex { value <= $0 }.map { $0 - 1 } : edges.lastIndex { value >= $0 }
      counts[min(max(bin ?? 0, 0), bins - 1)] += 1
    }
    #expect(Array(gatherer.histogram[column * bins..<(column + 1) * bins]) == counts)
  }

  @Test func edges() {
    for bins in [ColumnGatherer.Bins.halfOctaves, .quarterOctaves] {
      #expect(bins.edges.count == bins.count + 1)
      #expect(bins.edges == bins.edges.sorted())
      #expect(bins.edges[bins.count / 2] == 0)
      #expect(bins.edges[bins.count / 2 + 1] == 0x1p-7)
    }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func notANumberIsFound(value: Float) {
    var sample = Sample(columns: 70, seed: 1, documents: 3, longest: 9)
    sample.values[sample.counted[2].row * 70 + 66] = value
    #expect(sample.gather(ColumnGatherer(columns: 70, top: 2)) == 66)
  }
}
