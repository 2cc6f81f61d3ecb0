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
    "\(MatrixLibrary.preferred(for: type).description(for: type)), \(String(cString: unfold_kernel_level()))"
  }
}

/// A library that multiplies matrices.
public enum MatrixLibrary: String, Sendable, CaseIterable {
  case openBLAS
  case oneDNN

  /// The library for the products of linear layers here.
  ///
  /// Float32: oneDNN on processors with AVX-512, where its kernels on reordered weights are 5 to 20 % above the best of
  /// OpenBLAS; OpenBLAS elsewhere, where oneDNN falls behind. Bfloat16: oneDNN where the processor multiplies bfloat16;
  /// elsewhere OpenBLAS on rounded factors, which gives the same sums at the speed of float32.
  public static func preferred(for type: ComputeType) -> MatrixLibrary {
    #if OneDNN
      let suits =
        type == .float32 ? String(cString: unfold_kernel_level()) == "avx512" : unfold_has_bfloat_products()
      if suits && OneDNN.kernel(for: type) != nil { return .oneDNN }
    #endif
    return .openBLAS
  }

  /// The library, its version and the kernels that it uses here for products in the given type.
  public func description(for type: ComputeType) -> String {
    switch self {
    case .openBLAS:
      let name = "OpenBLAS \(OpenBLAS.version) \(OpenBLAS.coreName)"
      return type == .bfloat16 ? "\(name), bfloat16 by rounding" : name
    case .oneDNN:
      #if OneDNN
        return "oneDNN \(OneDNN.version) \(OneDNN.kernel(for: type) ?? "")"
      #else
        return "oneDNN"
      #endif
    }
  }
}
