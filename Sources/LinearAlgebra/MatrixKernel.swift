import CKernels

/// Which code multiplies and computes here, for the record: results can differ in the last bit between kernels.
public enum MatrixKernel {
  /// The library of single-precision products, its version and kernels, and the level of our own vector kernels, such
  /// as "OpenBLAS 0.3.21 Haswell, avx2".
  public static var name: String { name(for: .float32) }

  /// Whether products can be made with oneDNN here: it was not compiled out, and it has code for this processor.
  public static var hasOneDNN: Bool {
    #if OneDNN
      return OneDNN.kernel(for: .float32) != nil
    #else
      return false
    #endif
  }

  /// As `name`, for products in the given type.
  public static func name(for type: ComputeType) -> String {
    "\(MatrixLibrary.usual(for: type).description(for: type)), \(String(cString: unfold_kernel_level()))"
  }
}

/// A library that multiplies matrices, and how it treats factors in bfloat16.
public enum MatrixLibrary: String, Sendable, Codable, CaseIterable {
  /// With bfloat16: float32 kernels on rounded factors.
  case openBLAS
  /// With bfloat16: the processor's own products of bfloat16, where it has them.
  case oneDNN
  /// With bfloat16: its float32 kernels on rounded factors. With float32 the same as `oneDNN`.
  case oneDNNRounded

  /// The library that is taken where nothing was measured.
  ///
  /// Float32: oneDNN on processors with AVX-512, where its kernels on reordered weights are 5 to 20 % above the best of
  /// OpenBLAS; OpenBLAS elsewhere, where oneDNN falls behind. Bfloat16: oneDNN where the processor multiplies bfloat16;
  /// elsewhere OpenBLAS on rounded factors, which gives the same sums at the speed of float32.
  public static func usual(for type: ComputeType) -> MatrixLibrary {
    #if OneDNN
      let suits =
        type == .float32 ? String(cString: unfold_kernel_level()) == "avx512" : unfold_has_bfloat_products()
      if suits && OneDNN.kernel(for: type) != nil { return .oneDNN }
    #endif
    return .openBLAS
  }

  /// The libraries that can make products in a type here, the usual one first.
  public static func candidates(for type: ComputeType) -> [MatrixLibrary] {
    var others: [MatrixLibrary] = [.openBLAS]
    #if OneDNN
      if OneDNN.kernel(for: .float32) != nil { others.append(type == .float32 ? .oneDNN : .oneDNNRounded) }
      if type == .bfloat16, unfold_has_bfloat_products(), OneDNN.kernel(for: type) != nil { others.append(.oneDNN) }
    #endif
    let usual = usual(for: type)
    return [usual] + others.filter { $0 != usual }
  }

  /// Whether factors in a type are rounded and multiplied by float32 kernels.
  func rounds(_ type: ComputeType) -> Bool { type == .bfloat16 && self != .oneDNN }
  var isOneDNN: Bool { self != .openBLAS }

  /// The library, its version and the kernels that it uses here for products in the given type.
  public func description(for type: ComputeType) -> String {
    let suffix = rounds(type) ? ", bfloat16 by rounding" : ""
    switch self {
    case .openBLAS: return "OpenBLAS \(OpenBLAS.version) \(OpenBLAS.coreName)" + suffix
    case .oneDNN, .oneDNNRounded:
      #if OneDNN
        return "oneDNN \(OneDNN.version) \(OneDNN.kernel(for: rounds(type) ? .float32 : type) ?? "")" + suffix
      #else
        return "oneDNN"
      #endif
    }
  }
}
