import Interventions
import Testing

@Suite struct AnswersTests {
  @Test func logitsAreRead() {
    let reading = Answers(right: 1, wrong: 0).read([0, 2, 0])
    #expect(reading.difference == 2)
    #expect(abs(reading.probability - 0.78699) < 1e-5)
    #expect(abs(divergence(of: [0, 0], from: [0, 2]) - 0.327813) < 1e-5)
    #expect(divergence(of: [5, 7, 1], from: [5, 7, 1]) == 0)
  }
}
