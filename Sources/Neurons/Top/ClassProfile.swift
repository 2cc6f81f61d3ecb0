import LinearAlgebra
import Probes

/// How each column of some rows tells classes apart: AUROCs by ranks, and means.
struct ClassProfile {
  /// [columns, classes]: the chance that a row of the class is higher than one of another class, ties half.
  var auroc: [Float]
  /// [columns, classes]
  var means: [Float]
  /// [columns]: the standard deviation over all rows.
  var deviations: [Float]
  let classes: Int

  /// - Complexity: O(columns · rows · log rows), on all threads.
  init(_ matrix: Matrix, rows: Range<Int>, labels: [Int32], classes: Int) {
    let columns = matrix.columns
    self.classes = classes
    auroc = [Float](repeating: 0.5, count: columns * classes)
    means = [Float](repeating: 0, count: columns * classes)
    deviations = [Float](repeating: 0, count: columns)
    var counts = [Double](repeating: 0, count: classes)
    for label in labels { counts[Int(label)] += 1 }
    let total = Double(labels.count)

    matrix.elements.withUnsafeBufferPointer { elements in
      auroc.withUnsafeMutableBufferPointer { auroc in
        means.withUnsafeMutableBufferPointer { means in
          deviations.withUnsafeMutableBufferPointer { deviations in
            // Sixteen columns at a time: what a cache line holds.
            Threads.forEach((columns + 15) / 16) { group in
              for column in group * 16..<min(group * 16 + 16, columns) {
                var sum = 0.0
                var squares = 0.0
                var sums = [Double](repeating: 0, count: classes)
                for (offset, row) in rows.enumerated() {
                  let value = elements[row * columns + column]
                  sum += Double(value)
                  squares += Double(value) * Double(value)
                  sums[Int(labels[offset])] += Double(value)
                }
                deviations[column] = Float(max(squares / total - sum / total * (sum / total), 0).squareRoot())
                let areas = AUROC.areas(of: labels.count, labels: labels, classes: classes) {
                  elements[(rows.lowerBound + $0) * columns + column]
                }
                for c in 0..<classes where counts[c] > 0 {
                  means[column * classes + c] = Float(sums[c] / counts[c])
                  if let area = areas[c] { auroc[column * classes + c] = Float(area) }
                }
              }
            }
          }
        }
      }
    }
  }
}
