import Checkpoints
import Diagnostics
import Testing

/// The fault that a call throws; a failed expectation where it throws none.
func fault(_ body: () throws -> some Any, sourceLocation: SourceLocation = #_sourceLocation) -> Fault? {
  do {
    _ = try body()
    Issue.record("Nothing was thrown", sourceLocation: sourceLocation)
  } catch let fault as Fault {
    return fault
  } catch {
    Issue.record("\(error) is no Fault", sourceLocation: sourceLocation)
  }
  return nil
}

/// The bytes of a safetensors file with any header at all.
func safetensors(_ header: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
  let header = Array(header.utf8)
  return withUnsafeBytes(of: (length ?? UInt64(header.count)).littleEndian) { Array($0) } + header
    + (0..<data).map { UInt8(truncatingIfNeeded: $0) }
}
