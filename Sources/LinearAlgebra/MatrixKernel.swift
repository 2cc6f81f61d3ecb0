import CKernels

/// Which code multiplies and computes here, for the record: results can differ in the last bit between kernels.
public enum MatrixKernel {
  /// The library of single-precision products, its version and kernels, and the level of our own vector kernels, such
  /// as "OpenBLAS 0.3.21 Haswell, avx2".
  public static var name: String { name(for: .float32) }

  /// As `name`, for products in the given type.
  public static func name(for type: ComputeType) -> String {
    "\(PreparedWeights.library(for: type)), \(String(cString: unfold_kernel_level()))"
  }
}
