import Testing
import Transformer

@testable import Interventions

@Suite struct AnswersTests {
  @Test func logitsAreRead() {
    let clean = LogitDistribution([0, 2, 0])
    let logits: [Float] = [0, 2, 0]
    let reading = logits.withUnsafeBufferPointer { Answers(right: 1, wrong: 0).read($0, clean: clean) }
    #expect(reading.difference == 2)
    #expect(abs(reading.probability - 0.786986) < 1e-6)
    #expect(reading.divergence < 1e-6)
    let flat: [Float] = [1, 1]
    let other = flat.withUnsafeBufferPointer { Answers(right: 1, wrong: 0).read($0, clean: LogitDistribution([0, 2])) }
    #expect(abs(other.divergence - 0.327813) < 1e-6)
  }
}
