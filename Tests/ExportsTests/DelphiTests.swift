import Checkpoints
import Diagnostics
import Exports
import Foundation
import LinearAlgebra
import TestFiles
import TestSupport
import Testing

@Suite struct DelphiTests {
  @Test(arguments: [4, 5, 16]) func theCacheHoldsEveryActiveLatent(context: Int) throws {
    let temporary = try TemporaryFolder()
    let source = Planted.source()
    var export = DelphiExport()
    (export.context, export.splits, export.filler) = (context, 3, 999)
    let summary = try export.write(Planted.dictionary(), on: source, to: temporary.file("out"))
    // A document of five tokens takes so many lines.
    let lines = (5 + context - 1) / context
    var found = Matrix(zeros: source.rowCount, columns: 7)
    var count = 0
    for (start, end) in [(0, 1), (2, 3), (4, 6)] {
      let file = try SafetensorsFile(contentsOf: temporary.file("out/\(Planted.site)/\(start)_\(end).safetensors"))
      let locations = try #require(file["locations"])
      let values = try #require(file["activations"])
      #expect(locations.type == .uint16 && locations.shape == [values.shape[0], 3] && values.type == .float16)
      let tokens = try #require(file["tokens"])
      #expect(tokens.type == .int64 && tokens.shape == [48 * lines, context])
      let ids = tokens.withUnsafeBytes { Array($0.bindMemory(to: Int64.self)) }
      // The second document's tokens are 5 to 9, then the filler.
      let second = Array(ids[lines * context..<2 * lines * context])
      #expect(second == (5..<10).map(Int64.init) + [Int64](repeating: 999, count: lines * context - 5))
      let places = locations.withUnsafeBytes { Array($0.bindMemory(to: UInt16.self)) }
      for (number, value) in try values.floats().enumerated() {
        let (line, position, latent) = (places[3 * number], places[3 * number + 1], places[3 * number + 2])
        let token = Int(line) % lines * context + Int(position)
        found[Int(line) / lines * 5 + token, start + Int(latent)] = value
        count += 1
      }
    }
    let expected = Planted.latents(source)
    #expect(count == expected.elements.count { $0 != 0 })
    #expect(summary.counts["activations"] == count)
    for (a, b) in zip(found.elements, expected.elements) {
      // float16: 11 bits.
      #expect(abs(a - b) <= abs(b) * 0x1p-11)
    }
    let text = try Data(contentsOf: temporary.file("out/\(Planted.site)/config.json"))
    let config = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
    #expect(config["ctx_len"] as? Int == context && config["model_name"] as? String == "test")
  }

  @Test(arguments: [(0, 1), (70_000, 1), (8, 0), (8, 8)]) func refusesNumbersItCannotUse(
    context: Int, splits: Int
  ) throws {
    let temporary = try TemporaryFolder()
    var export = DelphiExport()
    (export.context, export.splits) = (context, splits)
    do {
      _ = try export.write(Planted.dictionary(), on: Planted.source(), to: temporary.file("out"))
      Issue.record("written")
    } catch { #expect((error as? Fault)?.name == "export.delphi") }
  }
}
