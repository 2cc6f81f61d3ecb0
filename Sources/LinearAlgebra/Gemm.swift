import COpenBLAS

/// C = α · A · B + β · C in single precision, row-major, on all threads: A is [m, k], B is [k, n], C is [m, n].
///
/// With `transposeA`, A lies in memory as [k, m]; with `transposeB`, B lies as [n, k]. A stride is the distance between
/// the starts of two rows in memory. With β = 0, C is only written. 2·m·n·k operations.
public func gemm(
  m: Int, n: Int, k: Int, alpha: Float = 1, a: UnsafePointer<Float>, aStride: Int, transposeA: Bool = false,
  b: UnsafePointer<Float>, bStride: Int, transposeB: Bool = false, beta: Float = 0, c: UnsafeMutablePointer<Float>,
  cStride: Int
) {
  precondition(m >= 0 && n >= 0 && k >= 0, "a product of \(m)×\(k) and \(k)×\(n)")
  precondition(
    aStride >= (transposeA ? m : k) && bStride >= (transposeB ? k : n) && cStride >= n,
    "strides \(aStride), \(bStride), \(cStride) for a product of \(m)×\(k) and \(k)×\(n)")
  guard m > 0 && n > 0 else { return }
  _ = OpenBLAS.coreName
  let grid = ProductGrid(rows: m, columns: n, inner: k)
  Threads.forEach(grid.count) { index in
    let (rows, columns) = grid[index]
    cblas_sgemm(
      CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
      blasint(rows.count), blasint(columns.count), blasint(k), alpha,
      a + (transposeA ? rows.lowerBound : rows.lowerBound * aStride), blasint(max(aStride, 1)),
      b + (transposeB ? columns.lowerBound * bStride : columns.lowerBound), blasint(max(bStride, 1)), beta,
      c + rows.lowerBound * cStride + columns.lowerBound, blasint(cStride))
  }
}

/// How a product's result [rows, columns] is cut into pieces for the threads: the same for the same size and count.
struct ProductGrid {
  let rows: Int
  let columns: Int
  let rowPieces: Int
  let columnPieces: Int

  /// Rows are cut first, since each piece reads all of its columns' weights anew; pieces of rows are at most
  /// `largestPiece` long, so that a thread that falls behind holds up the others little.
  init(rows: Int, columns: Int, inner: Int, largestPiece: Int = 512, threads: Int = Threads.count) {
    self.rows = rows
    self.columns = columns
    let smallProduct = 1 << 18
    if threads == 1 || rows * columns * inner < smallProduct {
      rowPieces = 1
      columnPieces = 1
      return
    }
    let shortestPiece = 96
    if rows >= shortestPiece * threads {
      let rounds = max(1, (rows + largestPiece * threads - 1) / (largestPiece * threads))
      rowPieces = rounds * threads
      columnPieces = 1
    } else {
      rowPieces = max(1, rows / shortestPiece)
      columnPieces = max(1, min((threads + rowPieces - 1) / rowPieces, columns / 64))
    }
  }

  var count: Int { rowPieces * columnPieces }

  subscript(index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let (r, c) = (index / columnPieces, index % columnPieces)
    return (Self.piece(r, of: rowPieces, in: rows), Self.piece(c, of: columnPieces, in: columns))
  }

  /// Pieces begin at multiples of 16 where there are enough elements, which suits the kernels' blocks.
  static func piece(_ index: Int, of pieces: Int, in count: Int) -> Range<Int> {
    let step = count >= 16 * pieces ? 16 : 1
    let start = count * index / pieces / step * step
    let end = index + 1 == pieces ? count : count * (index + 1) / pieces / step * step
    return start..<end
  }
}
