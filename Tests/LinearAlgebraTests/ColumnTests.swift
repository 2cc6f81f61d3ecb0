import Foundation
import LinearAlgebra
import Testing

@Suite("Statistics of columns")
struct ColumnTests {
  @Test("Moments of blocks agree with one pass over all", arguments: [(1, 1), (7, 3), (700, 65), (300, 130)])
  func moments(_ rows: Int, _ columns: Int) {
    var values = normals(rows * columns)
    // Skewed columns, one far from zero, one constant.
    for i in values.indices {
      values[i] = Foundation.exp(values[i])
      if i % columns == 0 { values[i] += 1000 }
      if columns > 2 && i % columns == 2 { values[i] = 3.25 }
    }
    var found = ColumnMoments(columns: columns)
    var start = 0
    for size in [1, 5, 60, 1_000_000] {
      let some = min(size, rows - start)
      values.withUnsafeBufferPointer { buffer in
        if let base = buffer.baseAddress { found.add(base + start * columns, rows: some) }
      }
      start += some
    }
    #expect(found.count == rows)
    for c in 0..<columns {
      let column = (0..<rows).map { Double(values[$0 * columns + c]) }
      let n = Double(rows)
      let mean = column.reduce(0, +) / n
      func power(_ p: Double) -> Double { column.reduce(0) { $0 + pow($1 - mean, p) } }
      let second = power(2)
      #expect(abs(found.mean[c] - mean) <= 1e-12 * abs(mean))
      #expect(abs(found.variance[c] - second / n) <= 1e-9 * (second / n))
      #expect(Double(found.minimum[c]) == column.min() && Double(found.maximum[c]) == column.max())
      if second > 1e-20 {
        let skewness = power(3) / n / pow(second / n, 1.5)
        #expect(abs(found.skewness[c] - skewness) <= 1e-7 * (1 + abs(skewness)))
        let kurtosis = power(4) / n / pow(second / n, 2) - 3
        #expect(abs(found.excessKurtosis[c] - kurtosis) <= 1e-7 * (1 + abs(kurtosis)))
      } else {
        #expect(found.skewness[c] == 0 && found.excessKurtosis[c] == 0)
      }
    }
  }

  @Test("Merging shards is adding their blocks")
  func merging() {
    let values = normals(512 * 40)
    var whole = ColumnMoments(columns: 40)
    whole.add(values, rows: 512)
    var parts = [ColumnMoments(columns: 40), ColumnMoments(columns: 40), ColumnMoments(columns: 40)]
    values.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      parts[0].add(base, rows: 256)
      parts[2].add(base + 256 * 40, rows: 256)
    }
    var merged = parts[0]
    merged.merge(parts[1])
    merged.merge(parts[2])
    #expect(merged == whole)
  }

  @Test("Extremes, counts and sums", arguments: [(1, 1), (33, 64), (200, 131)])
  func extremes(_ rows: Int, _ columns: Int) {
    let stride = columns + 3
    // Few different values, so that equal ones occur.
    var values = normals(rows * stride).map { ($0 * 4).rounded() / 4 }
    if rows > 1 { values[stride] = .nan }
    var (maximum, minimum) = ([Float](repeating: 0, count: columns), [Float](repeating: 0, count: columns))
    var (top, bottom) = ([Int32](repeating: 0, count: columns), [Int32](repeating: 0, count: columns))
    Kernels.columnMaximum(values, rows: rows, columns: columns, stride: stride, maximum: &maximum, row: &top)
    Kernels.columnMinimum(values, rows: rows, columns: columns, stride: stride, minimum: &minimum, row: &bottom)
    let thresholds = normals(columns, seed: 3)
    var (above, outside) = ([Int64](repeating: 1, count: columns), [Int64](repeating: 1, count: columns))
    Kernels.countAbove(thresholds, in: values, rows: rows, columns: columns, stride: stride, counts: &above)
    Kernels.countAbove(
      thresholds, in: values, rows: rows, columns: columns, stride: stride, magnitude: true, counts: &outside)
    var sums = [Double](repeating: 1, count: columns)
    Kernels.columnSums(values, rows: rows, columns: columns, stride: stride, sums: &sums)
    for c in 0..<columns {
      let column = (0..<rows).map { values[$0 * stride + c] }
      let known = column.filter { !$0.isNaN }
      #expect(maximum[c] == known.max() && Int(top[c]) == column.firstIndex { $0 == known.max() })
      #expect(minimum[c] == known.min() && Int(bottom[c]) == column.firstIndex { $0 == known.min() })
      #expect(above[c] == 1 + Int64(column.filter { $0 > thresholds[c] }.count))
      #expect(outside[c] == 1 + Int64(column.filter { abs($0) > thresholds[c] }.count))
      let sum = column.reduce(1.0) { $0 + Double($1) }
      #expect(sums[c] == sum || sum.isNaN && sums[c].isNaN)
    }
  }

  @Test("The largest values, in order, ties by index")
  func top() {
    let values = normals(5_000).map { ($0 * 8).rounded() / 8 } + [.nan, .infinity, -.infinity]
    let ranked = values.enumerated().filter { !$0.element.isNaN }
      .sorted { $0.element != $1.element ? $0.element > $1.element : $0.offset < $1.offset }
    for k in [0, 1, 2, 7, 100, 6_000] {
      #expect(topK(k, of: values) == ranked.prefix(k).map { Ranked(index: $0.offset, value: $0.element) })
    }
  }
}
