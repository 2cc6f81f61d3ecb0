import Activations
import Checkpoints
import Diagnostics
import Exports
import Foundation
import LinearAlgebra
import Neurons
import TestFiles
import TestSupport
import Testing

@Suite struct StoreExportTests {
  /// The planted source with statistics of its neurons.
  private func source() throws -> MemorySource {
    var source = Planted.source()
    let values = try #require(source.values[Planted.neurons])
    let rows = Planted.rows(source)
    var top = TopExamples(k: 3, values: [], rows: [], documents: [])
    var mean: [Double] = []
    for column in 0..<3 {
      // At most one a document.
      var best: [(row: Int, value: Float)] = []
      for document in 0..<48 {
        let some = rows.filter { source.tokenTable.documents[$0] == Int32(document) }
        if let row = some.max(by: { values[$0, column] < values[$1, column] }) {
          best.append((row, values[row, column]))
        }
      }
      for place in best.sorted(by: { $0.value != $1.value ? $0.value > $1.value : $0.row < $1.row }).prefix(3) {
        top.values.append(place.value)
        top.rows.append(Int64(place.row))
        top.documents.append(source.tokenTable.documents[place.row])
      }
      mean.append(rows.reduce(0.0) { $0 + Double(values[$1, column]) } / Double(rows.count))
    }
    source.gathered[Planted.neurons] = SiteStatistics(
      width: 3, count: rows.count, mean: mean, variance: [1, 2, 3], skewness: [0, 0, 1], kurtosis: [3, 4, 5],
      minimum: [-5, 0, -5], maximum: [5, 11, 5], firing: [0.5, 0.25, 0.5], top: top)
    return source
  }

  @Test func aNeuronsRecordHoldsTheStoresValues() throws {
    let temporary = try TemporaryFolder()
    let source = try source()
    var export = NeuronRecordExport()
    (export.top, export.random, export.quantiles, export.length) = (2, 8, 4, 4)
    let site = try source.site(named: Planted.neurons)
    let neuron = NeuronReference(site: site.name, layer: 0, index: 1)
    let summary = try export.write(
      [site], neurons: [neuron], of: source, piece: { "t\($0)" }, to: temporary.file("out"))
    #expect(summary.files == 1 && summary.counts == ["neurons": 1])
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let record = try decoder.decode(
      NeuronRecord.self, from: Data(contentsOf: temporary.file("out/neurons/0/1.json")))
    #expect(record.dataclassName == "NeuronRecord" && record.neuronId.dataclassName == "NeuronId")
    #expect(record.neuronId.layerIndex == 0 && record.neuronId.neuronIndex == 1)
    #expect(record.mean == source.gathered[site.name]?.mean[1] && record.kurtosis == 4)
    let strongest = record.mostPositiveActivationRecords
    let peaks = strongest.map { $0.activations.max() ?? 0 }
    // The last tokens of documents 45 and 42.
    let expected: [Float] = [229, 214].map { source.values[site.name]?[$0, 1] ?? -1 }
    #expect(peaks == expected)
    #expect(record.randomSample.count == 8)
    for sample in strongest + record.randomSample {
      #expect(sample.tokens.count == 4 && sample.dataclassName == "ActivationRecord")
      let rows = sample.tokens.map { Int($0.dropFirst()) ?? -1 }
      #expect(sample.activations == rows.map { source.values[site.name]?[$0, 1] })
      // All of one document.
      #expect(Set(rows.map { $0 / 5 }).count == 1)
    }
    #expect(record.randomSampleByQuantile.map(\.count) == [2, 2, 2, 2])
    #expect(record.quantileBoundaries.count == 3)
    #expect(record.quantileBoundaries == record.quantileBoundaries.sorted())
  }

  @Test func recordsNeedStatisticsAndAKnownNeuron() throws {
    let temporary = try TemporaryFolder()
    let site = try Planted.source().site(named: Planted.neurons)
    func name(_ source: MemorySource, _ index: Int) -> String? {
      do {
        let neuron = NeuronReference(site: site.name, layer: 0, index: index)
        _ = try NeuronRecordExport().write([site], neurons: [neuron], of: source, to: temporary.file("out"))
        return nil
      } catch { return (error as? Fault)?.name }
    }
    #expect(name(Planted.source(), 1) == "export.noStatistics")
    #expect(name(try source(), 3) == "neurons.noSuchNeuron")
  }

  @Test func tensorsAreTheStoresBytes() throws {
    let temporary = try TemporaryFolder()
    let source = try source()
    var export = TensorExport()
    export.parts = Set(TensorExport.Part.allCases)
    let site = try source.site(named: Planted.neurons)
    _ = try export.write([site], of: source, to: temporary.file("x.safetensors"))
    let file = try SafetensorsFile(contentsOf: temporary.file("x.safetensors"))
    #expect(try file["activations/\(site.name)"]?.floats() == source.values[site.name]?.elements)
    #expect(file["activations/\(site.name)"]?.shape == [240, 3])
    func integers<Number: BitwiseCopyable>(_ name: String, _: Number.Type) -> [Number] {
      file[name]?.withUnsafeBytes { Array($0.bindMemory(to: Number.self)) } ?? []
    }
    #expect(integers("tokens/document", Int32.self) == source.tokenTable.documents)
    #expect(integers("documents/first_token", Int64.self) == source.documents.firstTokens.map(Int64.init))
    // Labels in the order of their names: code, french, http.
    #expect(integers("documents/label", Int64.self).prefix(4) == [1, 2, 0, 1])
    #expect(file.metadata.first { $0.key == "labels" }?.value == "{\"label\":[\"code\",\"french\",\"http\"]}")
    #expect(integers("statistics/\(site.name)/kurtosis", Double.self) == [3, 4, 5])
    #expect(file["statistics/\(site.name)/top_row"]?.shape == [3, 3])
    export.halves = true
    export.parts = [.activations]
    _ = try export.write([site], of: source, to: temporary.file("half.safetensors"))
    let half = try SafetensorsFile(contentsOf: temporary.file("half.safetensors"))
    for (a, b) in zip(try half["activations/\(site.name)"]?.floats() ?? [], source.values[site.name]?.elements ?? []) {
      #expect(abs(a - b) <= abs(b) * 0x1p-11)
    }
    #expect(throws: Fault.self) { try export.write([site], of: source, to: temporary.file("half.safetensors")) }
    #expect(throws: Fault.self) { try export.write([site], of: source, to: temporary.file("x.csv")) }
    _ = try export.write([site], of: source, to: temporary.file("half.npz"))
    let bytes = Array(try Data(contentsOf: temporary.file("half.npz")))
    #expect(bytes.starts(with: Array("PK".utf8)) && bytes.count > 240 * 3 * 2)
  }

  @Test func tablesHoldTheStoresNumbers() throws {
    let temporary = try TemporaryFolder()
    let source = try source()
    let site = try source.site(named: Planted.neurons)
    func lines(_ table: TableExport.Table) throws -> [[String]] {
      let file = temporary.file("\(table.rawValue).csv")
      _ = try TableExport.write(table, sites: [site], of: source, to: file)
      return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
        $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      }
    }
    let statistics = try lines(.statistics)
    #expect(statistics.count == 4 && statistics.allSatisfy { $0.count == statistics[0].count })
    #expect(statistics[2][2] == "1" && Double(statistics[2][4]) == source.gathered[site.name]?.mean[1])
    #expect(statistics[2].last == "d45")
    let documents = try lines(.documents)
    #expect(documents.count == 49 && documents[2] == ["d1", "0", "", "5", "5", "http"])
    let labels = try lines(.labels)
    #expect(labels.count == 1 + 3 * 3)
    // Neuron 1 in "french": twice the mean over documents 0, 3 … 45 of 1 + document / 10 + 0.04.
    let french = try #require(labels.first { $0[2] == "1" && $0[3] == "french" })
    let mean = Double(french[5]) ?? 0
    #expect(french[4] == "16")
    #expect(abs(mean - 6.58) < 1e-5)
    #expect(throws: Fault.self) {
      try TableExport.write(.labels, sites: [site], of: source, column: "tone", to: temporary.file("t.csv"))
    }
    #expect(throws: Fault.self) {
      try TableExport.write(
        .statistics, sites: [try source.site(named: Planted.site)], of: source, to: temporary.file("s.csv"))
    }
    let named = #expect(throws: Fault.self) {
      try TableExport.write(.documents, sites: [], of: source, to: temporary.file("s.xlsx"))
    }
    #expect(named?.name == "export.tableFile")
  }
}
