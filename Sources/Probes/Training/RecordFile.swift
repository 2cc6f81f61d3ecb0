import Checkpoints
import Diagnostics
import Foundation

/// A safetensors file of one thing: its tensors, and a record of it as JSON in the metadata, beside `format` and `version`.
package struct RecordFile: Sendable {
  /// What faults are named after, such as `probe`: also the record's key in the metadata.
  let key: String
  /// What people call the thing, such as `a probe`.
  let thing: String
  let format: String
  let version: String
  /// The fault's name for a file of something else.
  let otherName: String
  /// The command that writes such files.
  let command: String

  package init(key: String, thing: String, format: String, version: String, otherName: String, command: String) {
    self.key = key
    self.thing = thing
    self.format = format
    self.version = version
    self.otherName = otherName
    self.command = command
  }

  /// Writes the file, complete or not at all.
  ///
  /// - Throws: `file.cannotCreate`, `file.write`.
  package func write(_ record: some Encodable, _ tensors: [SafetensorsWriter.Tensor], to url: URL) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let json: Data
    do {
      json = try encoder.encode(record)
    } catch {
      throw Fault(
        .software, "\(key).record", "The \(key)'s record cannot be written as JSON", found: Fault.words(of: error))
    }
    try SafetensorsWriter.write(
      tensors, metadata: ["format": format, "version": version, key: String(decoding: json, as: UTF8.self)], to: url)
  }

  /// Opens a file and reads its record.
  ///
  /// - Throws: what a safetensors file can be wrong in; `otherName`, `KEY.version`, `KEY.record`.
  package func read<Record: Decodable>(
    _: Record.Type, from url: URL
  ) throws -> (record: Record, file: SafetensorsFile) {
    let file = try SafetensorsFile(contentsOf: url)
    func metadata(_ key: String) -> String? { file.metadata.first { $0.key == key }?.value }
    guard metadata("format") == format, let json = metadata(key) else {
      throw Fault(
        .badData, otherName, "This safetensors file is not \(thing)", file: url.path, place: "metadata format",
        expected: format, found: metadata("format") ?? "none",
        advice: "give a file that `\(command)` has written")
    }
    guard metadata("version") == version else {
      throw Fault(
        .badData, "\(key).version", "This \(key) was written by another version of the format", file: url.path,
        expected: version, found: metadata("version") ?? "none")
    }
    do {
      return (try JSONDecoder().decode(Record.self, from: Data(json.utf8)), file)
    } catch {
      throw Fault(
        .badData, "\(key).record", "The \(key)'s record cannot be read", file: url.path, place: "metadata \(key)",
        found: Fault.words(of: error))
    }
  }

  /// The numbers of a tensor that must have a shape and be finite.
  ///
  /// - Throws: `KEY.tensor`.
  package func floats(_ name: String, _ shape: [Int], in file: SafetensorsFile) throws -> [Float] {
    let path = file.url.path
    guard let view = file[name] else {
      throw Fault(.badData, "\(key).tensor", "The \(key) lacks a tensor", file: path, place: name)
    }
    guard view.type == .float32, view.shape == shape else {
      throw Fault(
        .badData, "\(key).tensor", "A tensor of the \(key) does not fit its record", file: path, place: name,
        expected: "F32 \(shape)", found: "\(view.type.rawValue) \(view.shape)")
    }
    let values = try view.floats()
    guard values.allSatisfy(\.isFinite) else {
      throw Fault(.badData, "\(key).tensor", "A tensor of the \(key) holds NaN or infinity", file: path, place: name)
    }
    return values
  }
}
