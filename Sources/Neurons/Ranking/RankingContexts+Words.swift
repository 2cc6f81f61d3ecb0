import Foundation

extension RankingContexts {
  /// Token forms that stand in the examples' last twelve tokens much oftener than elsewhere: by
  /// s · ln(s / s₀), s the share of the examples that have the form, s₀ what a random context would have.
  func characteristicForms(_ places: [Int], most: Int = 6) -> [String] {
    guard !formOf.isEmpty, !places.isEmpty else { return [] }
    let reach = 12
    var examples: [Int32: Int] = [:]
    for place in places {
      var seen = Set<Int32>()
      for other in stride(from: place, through: max(0, place - reach + 1), by: -1) {
        guard documentOf[other] == documentOf[place] else { break }
        seen.insert(formOf[other])
      }
      for form in seen { examples[form, default: 0] += 1 }
    }
    let frequencies = formCounts
    func score(_ form: Int32, _ count: Int) -> Double {
      let share = Double(count) / Double(places.count)
      let frequency = Double(frequencies[Int(form)]) / Double(self.count)
      return share * log(share / min(1, 1 - pow(1 - frequency, Double(reach))))
    }
    let least = min(2, places.count)
    var scored: [(form: Int32, score: Double)] = []
    for (form, count) in examples where count >= least {
      guard forms[Int(form)].contains(where: { !$0.isWhitespace }) else { continue }
      let value = score(form, count)
      if value > 0 { scored.append((form, value)) }
    }
    scored.sort { $0.score != $1.score ? $0.score > $1.score : $0.form < $1.form }
    // Bytes of a partial character tell a reader least.
    let names = scored.map { forms[Int($0.form)] }
    return Array((names.filter { !$0.hasPrefix("<0x") } + names.filter { $0.hasPrefix("<0x") }).prefix(most))
  }
}
