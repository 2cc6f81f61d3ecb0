import LinearAlgebra

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
              var keys = [UInt64](repeating: 0, count: labels.count)
              for column in group * 16..<min(group * 16 + 16, columns) {
                var sum = 0.0
                var squares = 0.0
                var sums = [Double](repeating: 0, count: classes)
                for (offset, row) in rows.enumerated() {
                  let value = elements[row * columns + column]
                  sum += Double(value)
                  squares += Double(value) * Double(value)
                  sums[Int(labels[offset])] += Double(value)
                  keys[offset] = UInt64(ordered(value)) << 32 | UInt64(labels[offset])
                }
                deviations[column] = Float(max(squares / total - sum / total * (sum / total), 0).squareRoot())
                keys.sort()
                // Sums of ranks from 1, ties sharing their mean rank (Mann–Whitney).
                var ranks = [Double](repeating: 0, count: classes)
                var place = 0
                while place < keys.count {
                  var end = place + 1
                  while end < keys.count, keys[end] >> 32 == keys[place] >> 32 { end += 1 }
                  let rank = Double(place + end + 1) / 2
                  for index in place..<end { ranks[Int(keys[index] & 0xFFFF_FFFF)] += rank }
                  place = end
                }
                for c in 0..<classes where counts[c] > 0 {
                  means[column * classes + c] = Float(sums[c] / counts[c])
                  let others = total - counts[c]
                  guard others > 0 else { continue }
                  auroc[column * classes + c] = Float(
                    (ranks[c] - counts[c] * (counts[c] + 1) / 2) / (counts[c] * others))
                }
              }
            }
          }
        }
      }
    }
  }
}

/// A number that orders as the value does.
func ordered(_ value: Float) -> UInt32 {
  let bits = (value == 0 ? 0 : value).bitPattern
  return bits & 0x8000_0000 == 0 ? bits | 0x8000_0000 : ~bits
}
