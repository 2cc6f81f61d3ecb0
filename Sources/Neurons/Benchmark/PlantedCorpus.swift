import Activations
import Foundation
import LinearAlgebra

/// The generated documents.
struct PlantedCorpus {
  var table: DocumentTable
  var tokens = TokenTable()
  var texts: [String] = []
  /// Each token's concept and form.
  var concepts: [Int] = []
  var forms: [Int] = []
  var documentOf: [Int] = []
  /// Three concepts each.
  let families: [[Int]]
  let vocabulary: Int

  init(_ settings: PlantedNeurons.Settings, generator: inout SeededGenerator) {
    families = stride(from: 0, to: settings.concepts, by: 3).map { Array($0..<min($0 + 3, settings.concepts)) }
    vocabulary = settings.vocabulary
    // Sizes fall geometrically from the most frequent concept to the rarest.
    let weights = (0..<settings.concepts).map {
      pow(settings.imbalance, -Double($0) / Double(max(settings.concepts - 1, 1)))
    }
    let total = weights.reduce(0, +)
    // Half of the forms are every concept's, half are divided among them; both follow Zipf's law.
    let shared = settings.vocabulary / 2
    let own = max(1, (settings.vocabulary - shared) / settings.concepts)
    func zipf(_ count: Int) -> [Double] {
      var sum = 0.0
      return (0..<count).map {
        sum += 1 / Double($0 + 3)
        return sum
      }
    }
    let (sharedLaw, ownLaw) = (zipf(shared), zipf(own))
    func draw(_ law: [Double], _ generator: inout SeededGenerator) -> Int {
      let level = generator.uniform() * (law.last ?? 1)
      return law.firstIndex { $0 > level } ?? law.count - 1
    }
    var documentRows: [DocumentRow] = []
    for document in 0..<settings.documents {
      var left = generator.uniform() * total
      var concept = settings.concepts - 1
      for (number, weight) in weights.enumerated() {
        left -= weight
        if left < 0 {
          concept = number
          break
        }
      }
      let length = max(4, Int((Double(settings.tokens) * pow(4, generator.uniform() - 0.5)).rounded()))
      documentRows.append(
        DocumentRow(
          id: "planted-\(document)", label: settings.labelled ? .text("concept \(concept)") : nil,
          firstToken: tokens.count, tokenCount: length))
      var text = ""
      for position in 0..<length {
        let form =
          generator.uniform() < 0.6
          ? draw(sharedLaw, &generator) : shared + (concept * own + draw(ownLaw, &generator)) % (vocabulary - shared)
        let start = text.unicodeScalars.count
        text += " w\(form)"
        tokens.append(
          id: Int32(form), position: Int32(position), document: Int32(document), start: Int32(start),
          end: Int32(text.unicodeScalars.count), special: false)
        concepts.append(concept)
        forms.append(form)
        documentOf.append(document)
      }
      texts.append(text)
    }
    table = DocumentTable(documentRows)
  }

  func residual(_ settings: PlantedNeurons.Settings, generator: inout SeededGenerator) -> Matrix {
    let width = settings.width
    func directions(_ count: Int) -> [[Double]] {
      (0..<count).map { _ in
        let values = (0..<width).map { _ in generator.normal() }
        let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return values.map { $0 / norm }
      }
    }
    let familyDirections = directions(families.count)
    let (a, b) = (settings.relatedness.squareRoot(), (1 - settings.relatedness).squareRoot())
    let conceptDirections = directions(settings.concepts).enumerated().map { number, own in
      zip(own, familyDirections[number / 3]).map { b * $0 + a * $1 }
    }
    let formDirections = directions(vocabulary)
    let noise = settings.contextNoise / Double(width).squareRoot()
    var result = Matrix(zeros: forms.count, columns: width)
    for row in forms.indices {
      for column in 0..<width {
        result[row, column] = Float(
          conceptDirections[concepts[row]][column] + settings.formStrength * formDirections[forms[row]][column]
            + noise * generator.normal())
      }
    }
    return result
  }
}
