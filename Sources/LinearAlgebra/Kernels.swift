import CKernels

/// Our own vector kernels: functions of every element, norms, attention's parts, number formats and column statistics.
///
/// Pointers are to row-major matrices; an output may be the input itself unless something else is said. Large arrays
/// are shared among the threads; what a kernel computes for an element or a row does not depend on the sharing.
public enum Kernels {
  /// From this many elements on, an elementwise kernel uses several threads.
  static let grain = 1 << 15

  /// Pieces of 0..<count for the threads; every piece but the last begins at a multiple of 64 elements.
  static func forElements(_ count: Int, _ body: (Range<Int>) -> Void) {
    let blocks = (count + 63) / 64
    Threads.forRanges(0..<blocks, grain: grain / 64) { some in
      body(some.lowerBound * 64..<min(some.upperBound * 64, count))
    }
  }

  /// Pieces of rows for the threads, for a kernel that works on whole rows.
  static func forRows(_ rows: Int, columns: Int, _ body: (Range<Int>) -> Void) {
    Threads.forRanges(0..<rows, grain: max(1, grain / max(columns, 1)), body)
  }

  /// result = matrixᵀ: [rows, columns] becomes [columns, rows]. The two must not overlap.
  public static func transpose(
    _ matrix: UnsafePointer<Float>, rows: Int, columns: Int, into result: UnsafeMutablePointer<Float>
  ) {
    forRows(rows, columns: columns) { some in
      unfold_transpose(
        matrix + some.lowerBound * columns, some.count, columns, columns, result + some.lowerBound, rows)
    }
  }
}
