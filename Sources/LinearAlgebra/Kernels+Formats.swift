import CKernels
import Synchronization

extension Kernels {
  /// Rounds to float16, to nearest with ties to even; `output` takes the bits.
  ///
  /// Returns the index of the first finite value too large for float16 (|x| ≥ 65520, which rounds to infinity), or nil.
  /// An infinite or NaN input stays what it is and is no overflow.
  public static func toFloat16(
    _ input: UnsafePointer<Float>, into output: UnsafeMutablePointer<UInt16>, count: Int
  ) -> Int? {
    firstOverflow(count) { unfold_to_half(input + $0.lowerBound, output + $0.lowerBound, $0.count) }
  }

  /// Rounds to bfloat16, to nearest with ties to even; `output` takes the bits. Returns as `toFloat16`.
  public static func toBFloat16(
    _ input: UnsafePointer<Float>, into output: UnsafeMutablePointer<UInt16>, count: Int
  ) -> Int? {
    firstOverflow(count) { unfold_to_bfloat(input + $0.lowerBound, output + $0.lowerBound, $0.count) }
  }

  /// Rounds each value to the nearest bfloat16 and keeps it as a Float.
  public static func roundToBFloat16(
    _ input: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>, count: Int
  ) {
    forElements(count) { unfold_round_to_bfloat(input + $0.lowerBound, output + $0.lowerBound, $0.count) }
  }

  /// Reads float16 bits, exactly.
  public static func fromFloat16(
    _ input: UnsafePointer<UInt16>, into output: UnsafeMutablePointer<Float>, count: Int
  ) {
    forElements(count) { unfold_from_half(input + $0.lowerBound, output + $0.lowerBound, $0.count) }
  }

  /// Reads bfloat16 bits, exactly.
  public static func fromBFloat16(
    _ input: UnsafePointer<UInt16>, into output: UnsafeMutablePointer<Float>, count: Int
  ) {
    forElements(count) { unfold_from_bfloat(input + $0.lowerBound, output + $0.lowerBound, $0.count) }
  }

  /// Rounds doubles to the nearest Float.
  public static func fromDouble(
    _ input: UnsafePointer<Double>, into output: UnsafeMutablePointer<Float>, count: Int
  ) {
    forElements(count) { unfold_from_double(input + $0.lowerBound, output + $0.lowerBound, $0.count) }
  }

  /// Widens to double, exactly.
  public static func toDouble(
    _ input: UnsafePointer<Float>, into output: UnsafeMutablePointer<Double>, count: Int
  ) {
    forElements(count) { unfold_to_double(input + $0.lowerBound, output + $0.lowerBound, $0.count) }
  }

  private static func firstOverflow(_ count: Int, _ convert: (Range<Int>) -> Int) -> Int? {
    let first = Atomic<Int>(count)
    forElements(count) { some in
      let bad = convert(some)
      if bad < some.count { _ = first.min(some.lowerBound + bad, ordering: .relaxed) }
    }
    let found = first.load(ordering: .relaxed)
    return found < count ? found : nil
  }
}
