import LinearAlgebra
import Probes
import TestSupport
import Testing

/// Sites that take more memory than they may.
@Suite struct MemoryTests {
  private func settings(outerFolds: Int = 0) -> ProbeSettings {
    var settings = ProbeSettings.quick(resamples: 20)
    settings.outerFolds = outerFolds
    settings.seed = 1
    settings.strengths = [0.01, 1]
    return settings
  }

  @Test(arguments: [0, 3])
  func aSweepIsTheSameFromAScratchFile(outerFolds: Int) throws {
    let source = StudyTests.labelled()
    var settings = settings(outerFolds: outerFolds)
    settings.classifiers = ProbeSettings.Method.classifiers
    let inMemory = try Study(settings: settings).run(on: source)
    let inFile = try Study(settings: settings, memory: 0).run(on: source)
    #expect(inMemory.result == inFile.result && inMemory.probe == inFile.probe)
  }

  @Test func controlsAreTheSameFromAScratchFile() throws {
    let source = StudyTests.labelled()
    var settings = settings()
    settings.controls = Control.allCases
    settings.shuffles = 49
    func report(_ memory: Int) throws -> ControlReport? {
      try Study(settings: settings, memory: memory).run(on: source).result.controls
    }
    #expect(try #require(try report(0)) == report(1 << 30))
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
