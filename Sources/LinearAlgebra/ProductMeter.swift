import Foundation
import Synchronization

/// How much the linear layers of this process have multiplied and how long it took: what their rate is, inside a run.
///
/// Two readings of a clock for each product; nothing else looks at it.
public enum ProductMeter {
  private static let operations = Atomic<UInt64>(0)
  private static let nanoseconds = Atomic<UInt64>(0)

  /// Floating-point operations and seconds in `PreparedWeights.multiply` so far. Simultaneous calls count each its time.
  public static var total: (operations: Double, seconds: Double) {
    (Double(operations.load(ordering: .relaxed)), Double(nanoseconds.load(ordering: .relaxed)) * 1e-9)
  }

  static func now() -> UInt64 { DispatchTime.now().uptimeNanoseconds }

  static func count(_ some: Int, since start: UInt64) {
    operations.wrappingAdd(UInt64(some), ordering: .relaxed)
    nanoseconds.wrappingAdd(now() &- start, ordering: .relaxed)
  }
}
