import LinearAlgebra
import Probes
import TestSupport
import Testing

/// Sites that take more memory than they may.
@Suite struct MemoryTests {
  private func settings(outerFolds: Int = 0) -> ProbeSettings {
    var settings = ProbeSettings(outerFolds: outerFolds, bootstrap: .init(resamples: 20), seed: 1)
    settings.logistic.strengths = [0.01, 1]
    return settings
  }

  @Test(arguments: [0, 3])
  func aSweepIsTheSameFromAScratchFile(outerFolds: Int) throws {
    let source = ProbeTrainerTests.labelled()
    let methods = ProbeSettings.Method.allCases.filter { !$0.predictsNumbers }
    let settings = settings(outerFolds: outerFolds)
    let inMemory = try ProbeSweep(settings: settings, methods: methods).run(on: source)
    let inFile = try ProbeSweep(settings: settings, methods: methods, memory: 0).run(on: source)
    #expect(inMemory == inFile)
  }

  @Test func controlsAreTheSameFromAScratchFile() throws {
    let source = ProbeTrainerTests.labelled()
    let row = try ProbeSweep(settings: settings()).run(on: source).rows[1]
    func report(_ memory: Int) throws -> ControlReport {
      try ControlSuite(settings: settings(), controls: .init(shuffles: 49), memory: memory).run(
        on: source, row: row, neuronSite: "b", model: .absent("no model in this test"))
    }
    #expect(try report(0) == report(1 << 30))
  }

  @Test func rowsAreWhatWasWritten() throws {
    for most in [0, 1 << 20] {
      var matrix = try ExampleMatrix(zeros: 5, columns: 3, most: most)
      matrix.withUnsafeMutableElements { values in
        for index in values.indices { values[index] = Float(index) }
      }
      #expect(matrix.isInMemory == (most > 0))
      #expect(matrix.row(2) == [6, 7, 8])
      #expect(try matrix.selectingRows([4, 0]).matrix() == matrix.matrix(ofRows: [4, 0]))
      #expect(matrix.matrix(ofRows: [4, 0]).elements == [12, 13, 14, 0, 1, 2])
    }
  }
}
