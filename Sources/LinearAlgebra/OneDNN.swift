#if OneDNN
  import CKernels
  import COneDNN
  import Foundation
  import Synchronization

  /// oneDNN as the house uses it: on the thread that calls, several of which may call at once.
  enum OneDNN {
    /// The processor as the library's engine, made once and never given back; the library allows its use from all
    /// threads.
    nonisolated(unsafe) static let engine: dnnl_engine_t? = {
      var engine: dnnl_engine_t?
      return dnnl_engine_create(&engine, dnnl_cpu, 0) == dnnl_success ? engine : nil
    }()

    static let version: String = {
      guard let version = dnnl_version()?.pointee else { return "unknown" }
      return "\(version.major).\(version.minor).\(version.patch)"
    }()

    /// The name of the kernels that a typical product gets, nil where the library has none but its reference code.
    static func kernel(for type: ComputeType) -> String? { type == .float32 ? float32Kernel : bfloat16Kernel }

    private static let float32Kernel = probe(.float32)
    private static let bfloat16Kernel = probe(.bfloat16)

    private static func probe(_ type: ComputeType) -> String? {
      guard let engine else { return nil }
      var matmul = unfold_matmul()
      return onOneThread {
        let status = unfold_matmul_create(engine, type.dataType, 512, 768, 768, 768, true, nil, &matmul)
        guard status == dnnl_success else { return nil }
        defer { unfold_matmul_destroy(matmul) }
        let name = String(cString: unfold_matmul_name(matmul))
        return name.contains("ref") ? nil : name
      }
    }

    private typealias GetThreads = @convention(c) () -> Int32
    private typealias SetThreads = @convention(c) (Int32) -> Void

    /// OpenMP's two functions, where the library was built with OpenMP: the number is the calling thread's own.
    private static let openMP: (get: GetThreads, set: SetThreads)? = {
      guard let program = dlopen(nil, RTLD_LAZY), let get = dlsym(program, "omp_get_max_threads"),
        let set = dlsym(program, "omp_set_num_threads")
      else { return nil }
      return (unsafeBitCast(get, to: GetThreads.self), unsafeBitCast(set, to: SetThreads.self))
    }()

    /// Runs the body with the library confined to the calling thread: the pool of `Threads` does the sharing.
    static func onOneThread<Result>(_ body: () -> Result) -> Result {
      guard let openMP else { return body() }
      let before = openMP.get()
      if before != 1 { openMP.set(1) }
      defer { if before != 1 { openMP.set(before) } }
      return body()
    }
  }

  extension ComputeType {
    var dataType: dnnl_data_type_t { self == .float32 ? dnnl_f32 : dnnl_bf16 }
  }

  /// The weights of consecutive outputs in oneDNN's own layout, and the primitives that multiply with them.
  final class OneDNNPanel: @unchecked Sendable {  // `lock` guards `products`; the rest never changes.
    let outputs: Range<Int>
    let inputs: Int
    let stride: Int
    let type: ComputeType
    /// Where the weights lie plainly, [inputs, outputs of this panel]: the distance between two inputs' weights. nil in
    /// blocks.
    let plainStride: Int?
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
      var bias: Bool
    }

    /// Reorders plain weights, the rows `outputs` of all; nil where the library refuses.
    init?(
      plain: UnsafePointer<Float>, outputs: Range<Int>, of total: Int, inputs: Int, type: ComputeType,
      memory: PanelMemory?
    ) {
      guard let engine = OneDNN.engine else { return nil }
      self.engine = engine
      self.outputs = outputs
      self.inputs = inputs
      self.stride = total
      self.type = type
      var matmul = unfold_matmul()
      let typicalRows = 512
      let created = OneDNN.onOneThread {
        unfold_matmul_create(
          engine, type.dataType, dnnl_dim_t(typicalRows), dnnl_dim_t(outputs.count), dnnl_dim_t(inputs),
          dnnl_dim_t(total), true, nil, &matmul)
      }
      guard created == dnnl_success else { return nil }
      first = OneDNNProduct(matmul)
      byteCount = unfold_matmul_weight_bytes(matmul)
      let plainStride = Int(unfold_matmul_plain_stride(matmul))
      self.plainStride = type == .float32 && plainStride >= outputs.count ? plainStride : nil
      self.memory = memory
      let bytes = max(byteCount, PanelMemory.alignment)
      whole = memory?.take(bytes) ?? PanelMemory.allocate(bytes)
      guard let weights = whole.baseAddress else { preconditionFailure("no memory for \(bytes) bytes") }
      self.weights = weights
      let reordered = OneDNN.onOneThread {
        guard let stream = Self.stream(engine) else { return dnnl_out_of_memory }
        defer { dnnl_stream_destroy(stream) }
        return unfold_matmul_reorder(
          engine, stream, matmul, dnnl_dim_t(outputs.count), dnnl_dim_t(inputs), plain, weights)
      }
      if reordered != dnnl_success { return nil }
    }

    deinit { memory.map { $0.giveBack(whole) } ?? whole.deallocate() }

    private static func stream(_ engine: dnnl_engine_t) -> dnnl_stream_t? {
      var stream: dnnl_stream_t?
      let flags = dnnl_stream_default_flags.rawValue
      return dnnl_stream_create(&stream, engine, UInt32(flags)) == dnnl_success ? stream : nil
    }

    /// result[rows, outputs of this panel] = source[rows, inputs] · weightsᵀ + bias, on the calling thread. `result` is
    /// where the first row of the whole result begins, `bias` the whole layer's.
    ///
    /// Making a primitive costs as much as a small product, so only a few numbers of rows have one: others are filled
    /// up with zeros to the next.
    func multiply(
      _ source: UnsafeRawPointer, rows: Int, bias: UnsafePointer<Float>?, into result: UnsafeMutablePointer<Float>
    ) {
      let whole = Self.roundedUp(rows)
      if whole == rows { return execute(source, rows: rows, bias: bias, into: result) }
      let bytes = inputs * (type == .float32 ? 4 : 2)
      let memory = FloatStorage(count: (whole * bytes + 3) / 4, memory: .ofProducts)
      defer { withExtendedLifetime(memory) {} }
      let padded = UnsafeMutableRawPointer(memory.base)
      padded.copyMemory(from: source, byteCount: rows * bytes)
      memset(padded + rows * bytes, 0, (whole - rows) * bytes)
      let product = FloatStorage(count: whole * stride, memory: .ofProducts)
      execute(padded, rows: whole, bias: bias, into: product.base)
      for row in 0..<rows {
        let start = row * stride + outputs.lowerBound
        (result + start).update(from: product.base + start, count: outputs.count)
      }
    }

    /// The same for a few rows of float32 and some of this panel's outputs, where the weights lie plainly: by our own kernel,
    /// which reads them as fast as memory gives them.
    func multiplyPlainly(
      _ source: UnsafePointer<Float>, rows: Int, outputs some: Range<Int>, bias: UnsafePointer<Float>?,
      into result: UnsafeMutablePointer<Float>
    ) {
      guard let plainStride else { preconditionFailure("weights in blocks") }
      let first = outputs.lowerBound + some.lowerBound
      unfold_few_rows_by_inputs(
        weights.assumingMemoryBound(to: Float.self) + some.lowerBound, plainStride, some.count, inputs, source, rows,
        bias.map { $0 + first }, result + first, stride)
    }

    /// The next number of rows that has a primitive: powers of two up to 64, then multiples of 64.
    static func roundedUp(_ rows: Int) -> Int {
      if rows > 64 { return (rows + 63) / 64 * 64 }
      var size = 1
      while size < rows { size *= 2 }
      return size
    }

    private func execute(
      _ source: UnsafeRawPointer, rows: Int, bias: UnsafePointer<Float>?, into result: UnsafeMutablePointer<Float>
    ) {
      let status = OneDNN.onOneThread { () -> dnnl_status_t in
        guard let matmul = primitive(Shape(rows: rows, bias: bias != nil))?.matmul,
          let stream = Self.stream(engine)
        else { return dnnl_out_of_memory }
        defer { dnnl_stream_destroy(stream) }
        let scratch = FloatStorage(count: (unfold_matmul_scratch_bytes(matmul) + 3) / 4, memory: .ofProducts)
        defer { withExtendedLifetime(scratch) {} }
        return unfold_matmul_execute(
          engine, stream, matmul, source, weights, bias.map { $0 + outputs.lowerBound }, result + outputs.lowerBound,
          scratch.base)
      }
      precondition(
        status == dnnl_success, "oneDNN \(OneDNN.version) answered \(status.rawValue) for \(rows)×\(outputs)×\(inputs)")
    }

    private func primitive(_ shape: Shape) -> OneDNNProduct? {
      lock.lock()
      defer { lock.unlock() }
      if let known = products[shape] { return known }
      var matmul = unfold_matmul()
      let status = withUnsafePointer(to: first.matmul) { first in
        unfold_matmul_create(
          engine, type.dataType, dnnl_dim_t(shape.rows), dnnl_dim_t(outputs.count), dnnl_dim_t(inputs),
          dnnl_dim_t(stride), shape.bias, first, &matmul)
      }
      guard status == dnnl_success else { return nil }
      let most = 64
      if products.count >= most { products.removeAll() }
      let product = OneDNNProduct(matmul)
      products[shape] = product
      return product
    }
  }

  /// A primitive and its description, given back when nobody needs them.
  final class OneDNNProduct: @unchecked Sendable {  // Never changes; the library lets several threads execute it.
    let matmul: unfold_matmul

    init(_ matmul: unfold_matmul) { self.matmul = matmul }

    deinit { unfold_matmul_destroy(matmul) }
  }
#endif
