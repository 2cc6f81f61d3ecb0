import Testing

/// Equal within a share of the largest value.
func expectNear(_ ours: [Float], _ theirs: [Float], _ tolerance: Float, _ what: String) {
  #expect(ours.count == theirs.count)
  let largest = theirs.map(abs).max() ?? 0
  let worst = zip(ours, theirs).map { abs($0 - $1) }.max() ?? 0
  #expect(worst <= tolerance * max(largest, 1e-3), "\(what): off by \(worst), largest \(largest)")
}
