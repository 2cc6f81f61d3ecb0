import Foundation
import TestFiles
import Testing

@testable import LinearAlgebra

@Suite("Which library multiplies") struct ProductChoicesTests {
  @Test("Another is taken only where it is faster by more than a trial is uncertain") func best() {
    let three: [MatrixLibrary] = [.oneDNN, .openBLAS, .oneDNNRounded]
    #expect(ProductChoices.best(of: three, rates: [100, 104, 90]) == .oneDNN)
    #expect(ProductChoices.best(of: three, rates: [100, 106, 90]) == .openBLAS)
    #expect(ProductChoices.best(of: three, rates: [100, 106, 200]) == .oneDNNRounded)
    #expect(ProductChoices.best(of: [.openBLAS], rates: [0]) == .openBLAS)
  }

  @Test("Candidates are what is here, the usual one first") func candidates() {
    for type in ComputeType.allCases {
      let found = MatrixLibrary.candidates(for: type)
      #expect(found.first == .usual(for: type) && Set(found).count == found.count && found.contains(.openBLAS))
    }
    #expect(!MatrixLibrary.candidates(for: .float32).contains(.oneDNNRounded))
  }

  @Test("Every library multiplies rounded factors alike", arguments: [(1, 300, 40), (130, 270, 65), (700, 530, 96)])
  func rounding(_ m: Int, _ n: Int, _ k: Int) {
    let (a, b) = (normals(m * k, seed: 1), normals(n * k, seed: 2))
    let results = MatrixLibrary.candidates(for: .bfloat16).map { library in
      let weights = PreparedWeights(outputs: n, inputs: k, type: .bfloat16, library: library) {
        _ = $0.update(fromContentsOf: b)
      }
      #expect(
        weights.byteCount
          <= WeightPanel.cuts(outputs: n, inputs: k, type: .bfloat16, library: library).reduce(0) {
            $0 + PreparedWeights.preparedBytes($1.count, k, .bfloat16, library)
          })
      var result = [Float](repeating: .nan, count: m * n)
      weights.multiply(a, rows: m, into: &result)
      return result
    }
    // Sums of the same products in other orders.
    for other in results.dropFirst() { #expect(relativeError(other, results[0].map(Double.init)) < 2e-6) }
  }

  @Test("Choices are recorded, read and adopted") func record() throws {
    // A size that nothing else has.
    let (outputs, inputs) = (613, 2_711)
    let other = try #require(MatrixLibrary.candidates(for: .float32).last)
    let text = "\(outputs)x\(inputs)=\(other.rawValue)"
    let choices = try #require(ProductChoices(text))
    #expect(choices.description == text)
    #expect(choices.adopt(for: .float32))
    #expect(ProductChoices.library(for: .float32, outputs: outputs, inputs: inputs) == other)
    #expect(ProductChoices(for: .float32, sizes: [(outputs, inputs), (3, 5)]) == choices)
    #expect(ProductChoices("3x5") == nil && ProductChoices("3x5=abacus") == nil)
    #expect(try #require(ProductChoices("\(outputs)x\(inputs)=oneDNNRounded")).adopt(for: .float32) == false)
    #expect(ProductChoices("")?.description == "")
  }

  @Test("The file of rates comes back, and a bad one is as none") func file() throws {
    let folder = try TemporaryFolder()
    #expect(ProductRates.read(in: folder.url).rates.isEmpty)
    var rates = ProductRates.read(in: folder.url)
    rates.rates["float32 1x1"] = ["openBLAS": 2e11]
    rates.write(in: folder.url)
    #expect(ProductRates.read(in: folder.url).rates == rates.rates)
    for bad in ["", "{", "[1]", "{\"a\": 3}", String(repeating: "[", count: 2 << 20)] {
      _ = try folder.write(bad, "products.json")
      #expect(ProductRates.read(in: folder.url).rates.isEmpty)
    }
  }
}
