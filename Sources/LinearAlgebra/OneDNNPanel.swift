#if OneDNN
  import CKernels
  import COneDNN
  import Foundation

  /// The weights of consecutive outputs in oneDNN's own layout, and the primitives that multiply with them.
  final class OneDNNPanel: @unchecked Sendable {  // `lock` guards `products`; the rest never changes.
    let outputs: Range<Int>
    let inputs: Int
    /// Outputs of the whole layer.
    let total: Int
    let type: ComputeType
    /// How the weights lie; nil: as a matrix [inputs, outputs of this panel], or as only the library knows.
    let blocks: OneDNNBlocks?
    /// The distance between two inputs' weights where they lie plainly.
    private let plainStride: Int?
    private let engine: dnnl_engine_t
    private let weights: UnsafeMutableRawPointer
    private let memory: PanelMemory?
    private let whole: UnsafeMutableRawBufferPointer
    let byteCount: Int
    private let first: OneDNNProduct
    private let lock = NSLock()
    private var products: [Shape: OneDNNProduct] = [:]

    private struct Shape: Hashable {
      var rows: Int
      var outputs: Int
      /// From one row of the result to the next.
      var stride: Int
      var bias: Bool
    }

    /// A panel with anything in it, to be filled by `reorder`; nil where the library refuses.
    init?(
      outputs: Range<Int>, of total: Int, inputs: Int, type: ComputeType, blocks: OneDNNBlocks?, memory: PanelMemory?
    ) {
      guard let engine = OneDNN.engine else { return nil }
      self.engine = engine
      self.outputs = outputs
      self.inputs = inputs
      self.total = total
      self.type = type
      self.blocks = blocks
      var matmul = unfold_matmul()
      let typicalRows = 512
      let created = OneDNN.onOneThread {
        unfold_matmul_create(
          engine, type.dataType, dnnl_dim_t(typicalRows), dnnl_dim_t(outputs.count), dnnl_dim_t(inputs),
          dnnl_dim_t(blocks == nil ? total : outputs.count), true, nil, dnnl_dim_t(blocks?.outputs ?? 0), &matmul)
      }
      guard created == dnnl_success else { return nil }
      first = OneDNNProduct(matmul)
      byteCount = unfold_matmul_weight_bytes(matmul)
      let plainStride = blocks == nil && type == .float32 ? Int(unfold_matmul_plain_stride(matmul)) : 0
      self.plainStride = plainStride >= outputs.count ? plainStride : nil
      self.memory = memory
      let bytes = max(byteCount, PanelMemory.alignment)
      whole = memory?.take(bytes) ?? PanelMemory.allocate(bytes)
      guard let weights = whole.baseAddress else { preconditionFailure("no memory for \(bytes) bytes") }
      self.weights = weights
    }

    deinit { memory.map { $0.giveBack(whole) } ?? whole.deallocate() }

    /// Takes the weights of some of this panel's outputs, each of which stands in a row: all of them, or with `blocks` those
    /// of whole blocks. Several threads may bring different outputs.
    /// - Returns: false where the library refuses.
    func reorder(_ some: Range<Int>, plain: UnsafePointer<Float>) -> Bool {
      let status = OneDNN.onOneThread {
        guard let stream = Self.stream(engine) else { return dnnl_out_of_memory }
        defer { dnnl_stream_destroy(stream) }
        return unfold_matmul_reorder(
          engine, stream, first.matmul, type.dataType, dnnl_dim_t(blocks?.outputs ?? 0), dnnl_dim_t(some.count),
          dnnl_dim_t(inputs), plain, place(some.lowerBound))
      }
      return status == dnnl_success
    }

    private static func stream(_ engine: dnnl_engine_t) -> dnnl_stream_t? {
      var stream: dnnl_stream_t?
      let flags = dnnl_stream_default_flags.rawValue
      return dnnl_stream_create(&stream, engine, UInt32(flags)) == dnnl_success ? stream : nil
    }

    private var width: Int { type == .float32 ? 4 : 2 }

    /// Where the weights from one of this panel's outputs on lie, the first of a block.
    private func place(_ output: Int) -> UnsafeMutableRawPointer {
      guard let blocks else { return weights }
      return weights + output / blocks.outputs * blocks.stride(inputs: inputs) * width
    }

    /// Some pieces of about equal size, as `some` of `multiply` may be; one alone where the weights cannot be cut.
    func pieces(_ count: Int) -> [Range<Int>] {
      guard let blocks else { return [0..<outputs.count] }
      let all = (outputs.count + blocks.outputs - 1) / blocks.outputs
      return (0..<max(1, min(count, all))).map { piece in
        let own = ProductGrid.piece(piece, of: max(1, min(count, all)), in: all)
        return own.lowerBound * blocks.outputs..<min(own.upperBound * blocks.outputs, outputs.count)
      }
    }

    /// result[rows, some outputs] = source[rows, inputs] · weightsᵀ + bias, on the calling thread. `result` is where the
    /// first row of the whole result begins, `bias` the whole layer's.
    ///
    /// Making a primitive costs as much as a small product, so only a few numbers of rows have one: others are filled
    /// up with zeros to the next. The products of blocks want a result of their own, so those of a part of the layer are
    /// copied.
    func multiply(
      _ source: UnsafeRawPointer, rows: Int, outputs some: Range<Int>, bias: UnsafePointer<Float>?,
      into result: UnsafeMutablePointer<Float>
    ) {
      let whole = Self.roundedUp(rows)
      let start = outputs.lowerBound + some.lowerBound
      let bias = bias.map { $0 + start }
      if whole == rows && (blocks == nil || some.count == total) {
        let shape = Shape(rows: rows, outputs: some.count, stride: total, bias: bias != nil)
        return execute(source, shape, place(some.lowerBound), bias: bias, into: result + start)
      }
      let product = FloatStorage(count: whole * some.count, memory: .ofProducts)
      let shape = Shape(rows: whole, outputs: some.count, stride: some.count, bias: bias != nil)
      let bytes = inputs * width
      let padding = FloatStorage(count: whole == rows ? 0 : (whole * bytes + 3) / 4, memory: .ofProducts)
      var filled = source
      if whole > rows {
        let padded = UnsafeMutableRawPointer(padding.base)
        padded.copyMemory(from: source, byteCount: rows * bytes)
        memset(padded + rows * bytes, 0, (whole - rows) * bytes)
        filled = UnsafeRawPointer(padded)
      }
      execute(filled, shape, place(some.lowerBound), bias: bias, into: product.base)
      withExtendedLifetime(padding) {}
      for row in 0..<rows {
        (result + row * total + start).update(from: product.base + row * some.count, count: some.count)
      }
    }

    /// Whether `multiplyPlainly` knows how the weights lie.
    var isPlain: Bool { blocks != nil || plainStride != nil }

    /// The same for a few rows, by our own kernels, which read the weights as fast as memory gives them. The source is in
    /// this panel's type.
    func multiplyPlainly(
      _ source: UnsafeRawPointer, rows: Int, outputs some: Range<Int>, bias: UnsafePointer<Float>?,
      into result: UnsafeMutablePointer<Float>
    ) {
      let start = outputs.lowerBound + some.lowerBound
      let (bias, result) = (bias.map { $0 + start }, result + start)
      guard let blocks else {
        guard let plainStride else { preconditionFailure("weights as only the library knows") }
        return unfold_few_rows_by_inputs(
          weights.assumingMemoryBound(to: Float.self) + some.lowerBound, plainStride, some.count, inputs,
          source.assumingMemoryBound(to: Float.self), rows, bias, result, total)
      }
      for first in stride(from: some.lowerBound, to: some.upperBound, by: blocks.outputs) {
        let (place, done) = (place(first), first - some.lowerBound)
        let count = min(blocks.outputs, some.upperBound - first)
        if type == .float32 {
          unfold_few_rows_by_inputs(
            place.assumingMemoryBound(to: Float.self), blocks.outputs, count, inputs,
            source.assumingMemoryBound(to: Float.self), rows, bias.map { $0 + done }, result + done, total)
        } else {
          unfold_few_rows_by_pairs(
            place.assumingMemoryBound(to: UInt16.self), blocks.outputs, count, inputs,
            source.assumingMemoryBound(to: UInt16.self), rows, bias.map { $0 + done }, result + done, total)
        }
      }
    }

    /// The next number of rows that has a primitive: powers of two up to 64, then multiples of 64.
    static func roundedUp(_ rows: Int) -> Int {
      if rows > 64 { return (rows + 63) / 64 * 64 }
      var size = 1
      while size < rows { size *= 2 }
      return size
    }

    private func execute(
      _ source: UnsafeRawPointer, _ shape: Shape, _ weights: UnsafeRawPointer, bias: UnsafePointer<Float>?,
      into result: UnsafeMutablePointer<Float>
    ) {
      let status = OneDNN.onOneThread { () -> dnnl_status_t in
        guard let matmul = primitive(shape)?.matmul, let stream = Self.stream(engine) else { return dnnl_out_of_memory }
        defer { dnnl_stream_destroy(stream) }
        let scratch = FloatStorage(count: (unfold_matmul_scratch_bytes(matmul) + 3) / 4, memory: .ofProducts)
        defer { withExtendedLifetime(scratch) {} }
        return unfold_matmul_execute(engine, stream, matmul, source, weights, bias, result, scratch.base)
      }
      precondition(
        status == dnnl_success,
        "oneDNN \(OneDNN.version) answered \(status.rawValue) for \(shape.rows)×\(shape.outputs)×\(inputs)")
    }

    private func primitive(_ shape: Shape) -> OneDNNProduct? {
      lock.lock()
      defer { lock.unlock() }
      if let known = products[shape] { return known }
      var matmul = unfold_matmul()
      let status = withUnsafePointer(to: first.matmul) { first in
        unfold_matmul_create(
          engine, type.dataType, dnnl_dim_t(shape.rows), dnnl_dim_t(shape.outputs), dnnl_dim_t(inputs),
          dnnl_dim_t(shape.stride), shape.bias, blocks == nil ? first : nil, dnnl_dim_t(blocks?.outputs ?? 0), &matmul)
      }
      guard status == dnnl_success else { return nil }
      let most = 64
      if products.count >= most { products.removeAll() }
      let product = OneDNNProduct(matmul)
      products[shape] = product
      return product
    }
  }
#endif
