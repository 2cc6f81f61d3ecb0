import Testing

@testable import Interventions

@Suite struct AnswersTests {
  private func read(_ logits: [Float], clean: [Float]) -> Answers.Reading? {
    clean.withUnsafeBufferPointer { clean in
      let kept = KeptDistributions(clean, columns: clean.count)
      return withExtendedLifetime(kept) {
        logits.withUnsafeBufferPointer { logits in
          kept.rows.first.map { Answers(right: 1, wrong: 0).read(logits, clean: $0) }
        }
      }
    }
  }

  @Test func logitsAreRead() throws {
    let same = try #require(read([0, 2, 0], clean: [0, 2, 0]))
    #expect(same.difference == 2)
    #expect(abs(same.probability - 0.786986) < 1e-6)
    #expect(same.divergence < 1e-6)
    let flat = try #require(read([1, 1], clean: [0, 2]))
    #expect(abs(flat.divergence - 0.327813) < 1e-6)
  }
}
