/// One figure made of several measures: how surely a neuron means several unrelated things.
enum Consensus {
  /// The second meaning's clarity, as it is and without the neuron's most frequent token, times what is left when the
  /// top examples that are one single token are taken away.
  ///
  /// A neuron with one meaning gets no more than that meaning's score, however clear a second one would be without its token.
  ///
  /// - Returns: nil where there is no second meaning to judge.
  static func score(_ measures: NeuronMeasures, without controlled: NeuronMeasures) -> Double? {
    guard let plain = measures[.secondMeaning] else { return nil }
    let second = (plain + (controlled[.secondMeaning] ?? plain)) / 2
    let share = measures[.lexicalShare] ?? 0
    let score = second * (1 - share * share)
    return plain > SecondMeaning.oneMeaning ? score : min(score, plain)
  }
}
