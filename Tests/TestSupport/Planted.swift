import Activations
import LinearAlgebra

/// A source whose columns are features with known meanings. A dictionary of `axes` that takes 0.5 off reads each as a latent.
package enum Planted {
  package static let width = 6
  package static let site = "blocks.0.hook_resid_post"
  package static let neurons = "blocks.0.mlp.hook_post"

  /// Latent i is column i; a seventh is never active.
  package static var axes: Matrix {
    var weights = Matrix(zeros: width + 1, columns: width)
    for column in 0..<width { weights[column, column] = 1 }
    return weights
  }

  /// 48 documents in three classes, no two with one text: columns 0 and 1 know class 0 and 1, column 2 is on in one token of
  /// each document, column 3 is on everywhere, column 4 in half of class 2. Neuron 1 is column 0 doubled.
  package static func source(tokens: Int = 5) -> MemorySource {
    let labels: [Label] = (0..<48).map { .text(["french", "http", "code"][$0 % 3]) }
    func value(_ document: Int, _ token: Int, _ column: Int) -> Float {
      switch column {
      case 0: document % 3 == 0 && token > 0 ? 1 + Float(document) / 10 + Float(token) / 100 : 0
      case 1: document % 3 == 1 ? 2 : 0
      case 2: token == 2 ? 1 : 0
      case 3: 3
      case 4: document % 6 == 2 && token == 1 ? 4 : 0
      default: 0
      }
    }
    var source = MemorySource.documents(
      [Int](repeating: tokens, count: 48), labels: labels, sites: [site: width, neurons: 3]
    ) { name, document, token, column in
      if name == site { return value(document, token, column) }
      return column == 1 ? 2 * value(document, token, 0) : Float((document * 7 + token * 3 + column) % 11) - 5
    }
    source.origin.corpus = ["planted"]
    source.tokenTable.ids = source.tokenTable.ids.indices.map { Int32($0) }
    for index in source.sites.indices { source.sites[index].layer = 0 }
    return source
  }
}
