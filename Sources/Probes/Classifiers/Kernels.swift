import LinearAlgebra

/// The inner product of two vectors.
@inline(__always)
func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Float {
  var sum = SIMD16<Float>(repeating: 0)
  var index = 0
  while index + 16 <= count {
    sum += UnsafeRawPointer(a + index).loadUnaligned(as: SIMD16<Float>.self)
      * UnsafeRawPointer(b + index).loadUnaligned(as: SIMD16<Float>.self)
    index += 16
  }
  var rest = sum.sum()
  while index < count {
    rest += a[index] * b[index]
    index += 1
  }
  return rest
}

/// y += factor · x.
@inline(__always)
func axpy(_ factor: Float, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int) {
  for index in 0..<count { y[index] += factor * x[index] }
}

/// out[rows, columns] = a[rows, inner] · b[columns, inner]ᵀ.
func multiply(
  _ a: UnsafePointer<Float>, rows: Int, _ b: UnsafePointer<Float>, transposed: Bool, columns: Int, inner: Int,
  into out: UnsafeMutablePointer<Float>
) {
  for r in 0..<rows { for c in 0..<columns { out[r * columns + c] = dot(a + r * inner, b + c * inner, inner) } }
}

/// out[rows, columns] = a[inner, rows]ᵀ · b[inner, columns].
func multiplyTransposed(
  _ a: UnsafePointer<Float>, rows: Int, _ b: UnsafePointer<Float>, columns: Int, inner: Int,
  into out: UnsafeMutablePointer<Float>
) {
  for i in 0..<rows * columns { out[i] = 0 }
  for k in 0..<inner { for r in 0..<rows { axpy(a[k * rows + r], b + k * columns, out + r * columns, columns) } }
}
