import LinearAlgebra

/// Numbers of one trainable array, aligned to a cache line.
///
/// Threads of a step write to separate places; between steps one thread alone reads and writes.
final class FloatBuffer: @unchecked Sendable {  // Owned by one trainer; see above for its threads.
  let base: UnsafeMutablePointer<Float>
  let count: Int

  /// Numbers that are to be written before they are read.
  init(unset count: Int) {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 4, alignment: 64)
    base = memory.bindMemory(to: Float.self, capacity: max(count, 1))
    self.count = count
  }

  convenience init(zeros count: Int) {
    self.init(unset: count)
    base.initialize(repeating: 0, count: max(count, 1))
  }

  deinit { UnsafeMutableRawPointer(base).deallocate() }

  var buffer: UnsafeMutableBufferPointer<Float> { UnsafeMutableBufferPointer(start: base, count: count) }
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(UnsafeBufferPointer(start: base, count: count)) }
  func fill(_ value: Float) { base.update(repeating: value, count: count) }
  var array: [Float] { Array(buffer) }
}

/// A trainable array [rows, columns] with its gradient and Adam's two moments.
final class Parameter: Sendable {
  let name: String
  let rows: Int
  let columns: Int
  let values: FloatBuffer
  let gradient: FloatBuffer
  let first: FloatBuffer
  let second: FloatBuffer

  init(_ name: String, rows: Int, columns: Int = 1) {
    self.name = name
    self.rows = rows
    self.columns = columns
    values = FloatBuffer(zeros: rows * columns)
    gradient = FloatBuffer(zeros: rows * columns)
    first = FloatBuffer(zeros: rows * columns)
    second = FloatBuffer(zeros: rows * columns)
  }

  func row(_ index: Int) -> UnsafeMutablePointer<Float> { values.base + index * columns }
  func gradientRow(_ index: Int) -> UnsafeMutablePointer<Float> { gradient.base + index * columns }
}
