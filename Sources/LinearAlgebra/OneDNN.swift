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
        let status = unfold_matmul_create(engine, type.dataType, 512, 768, 768, 768, true, nil, 0, &matmul)
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

  /// Weights in blocks of outputs, each block's together: [blocks, inputs, outputs of a block], in bfloat16 with two inputs'
  /// weights in turns. The library's fastest products want them so; a range of whole blocks is a matrix of its own.
  struct OneDNNBlocks: Sendable {
    /// Outputs of a block.
    let outputs: Int
    let type: ComputeType

    private static let known = Mutex<[String: OneDNNBlocks?]>([:])

    /// The blocks for a layer; nil where the library lays its weights otherwise.
    init?(outputs: Int, inputs: Int, type: ComputeType) {
      guard outputs > 0, inputs > 0 else { return nil }
      let found = Self.known.withLock { known -> OneDNNBlocks? in
        let key = "\(type.rawValue) \(outputs) \(inputs)"
        if let blocks = known[key] { return blocks }
        if known.count >= 1024 { known.removeAll() }
        let blocks = Self.size(outputs, inputs, type).map { OneDNNBlocks(outputs: $0, type: type) }
        known[key] = .some(blocks)
        return blocks
      }
      guard let found else { return nil }
      self = found
    }

    private init(outputs: Int, type: ComputeType) { (self.outputs, self.type) = (outputs, type) }

    private static func size(_ outputs: Int, _ inputs: Int, _ type: ComputeType) -> Int? {
      guard let engine = OneDNN.engine else { return nil }
      return OneDNN.onOneThread {
        var matmul = unfold_matmul()
        let (columns, length) = (dnnl_dim_t(outputs), dnnl_dim_t(inputs))
        guard
          unfold_matmul_create(engine, type.dataType, 512, columns, length, columns, true, nil, 0, &matmul)
            == dnnl_success
        else { return nil }
        defer { unfold_matmul_destroy(matmul) }
        let block = unfold_matmul_block(matmul, type.dataType, columns, length)
        guard block > 0, !String(cString: unfold_matmul_name(matmul)).contains("ref") else { return nil }
        // Whether a few rows and some of the outputs have fast products of the same weights too.
        var part = unfold_matmul()
        let some = min(columns, 4 * block)
        guard
          unfold_matmul_create(engine, type.dataType, 4, some, length, some, true, nil, block, &part) == dnnl_success
        else { return nil }
        defer { unfold_matmul_destroy(part) }
        return String(cString: unfold_matmul_name(part)).contains("ref") ? nil : Int(block)
      }
    }

    /// From one block to the next, in numbers.
    func stride(inputs: Int) -> Int {
      let step = type == .float32 ? 16 : 32
      return (inputs + step - 1) / step * step * outputs
    }
  }

  extension ComputeType {
    var dataType: dnnl_data_type_t { self == .float32 ? dnnl_f32 : dnnl_bf16 }
  }

  /// A primitive and its description, given back when nobody needs them.
  final class OneDNNProduct: @unchecked Sendable {  // Never changes; the library lets several threads execute it.
    let matmul: unfold_matmul

    init(_ matmul: unfold_matmul) { self.matmul = matmul }

    deinit { unfold_matmul_destroy(matmul) }
  }
#endif
