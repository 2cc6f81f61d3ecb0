import Diagnostics
import LinearAlgebra
import Transformer

/// The hooks that change activations along directions, for each document of a batch by an amount of its own.
public struct SteeringEdit: Sendable {
  /// What happens to a document.
  public enum Amount: Sendable, Equatable {
    case untouched
    /// So often each direction is added, in the order of the directions.
    case add([Double])
    /// So large is the feature made.
    case clamp(Double)
  }

  public let directions: [Direction]

  /// - Throws: `Fault`: `steer.noDirection`.
  public init(_ directions: [Direction]) throws {
    guard !directions.isEmpty else {
      throw Fault(
        .usage, "steer.noDirection", "There is nothing to steer by", expected: "at least one direction", found: "none")
    }
    self.directions = directions
  }

  /// Refuses amounts that no number holds, and clamping of what is no feature.
  ///
  /// - Throws: `Fault`: `steer.overflow`, `steer.notAFeature`, `direction.otherSite`.
  public func check(_ amount: Amount) throws {
    switch amount {
    case .untouched: break
    case .add(let factors):
      for (direction, factor) in zip(directions, factors) {
        let largest = Double(direction.values.map(abs).max() ?? 0)
        guard factor.isFinite, largest * abs(factor) <= Double(Float.greatestFiniteMagnitude) else {
          throw Fault(
            .usage, "steer.overflow", "The direction times this strength is infinite", file: direction.name,
            place: direction.site.name, expected: "numbers up to \(Float.greatestFiniteMagnitude)",
            found: "\(factor) · \(largest)", advice: "take a smaller strength")
        }
      }
    case .clamp(let value):
      guard Float(value).isFinite else {
        throw Fault(
          .usage, "steer.overflow", "The feature cannot be made infinite", expected: "a finite value",
          found: "\(value)")
      }
      for direction in directions {
        guard let feature = direction.feature, !feature.input.kind.isInExpert, !feature.output.kind.isInExpert else {
          throw Fault(
            .usage, "steer.notAFeature", "Only a feature of a dictionary that reads one site can be clamped",
            file: direction.name,
            expected: "FOLDER:FEATURE of an autoencoder or a transcoder, so that its activation can be read",
            found: direction.kind == .feature ? "a crosscoder's" : "a direction of the kind \(direction.kind.rawValue)",
            advice: "add it with a strength")
        }
        guard feature.output == direction.site else {
          throw Fault(
            .usage, "direction.otherSite", "A feature is clamped where its dictionary writes", file: direction.name,
            expected: feature.output.name, found: direction.site.name, advice: "leave the sites out")
        }
      }
    }
  }

  /// Which of a document's `count` tokens in a batch are changed, counted from its first there.
  public typealias Edited = (_ document: Int, _ count: Int) -> Range<Int>

  /// The hooks of one run.
  ///
  /// - Parameters:
  ///   - amounts: One for each of the batch's documents; checked before.
  ///   - edited: By default all tokens.
  public func hooks(_ amounts: [Amount], edited: @escaping Edited = { 0..<$1 }) -> [Hook] {
    directions.enumerated().flatMap { number, direction -> [Hook] in
      var hooks: [Hook] = []
      var added: [(document: Int, values: [Float])] = []
      var clamped: [(document: Int, value: Float)] = []
      for (document, amount) in amounts.enumerated() {
        switch amount {
        case .untouched: break
        case .add(let factors):
          if factors[number] != 0 {
            added.append((document, direction.values.map { Float(factors[number] * Double($0)) }))
          }
        case .clamp(let value): clamped.append((document, Float(value)))
        }
      }
      if !added.isEmpty {
        hooks.append(
          Hook(direction.site) { value in
            for (document, values) in added {
              Self.rows(of: document, edited, &value) { row, _ in
                for (column, number) in values.enumerated() { row[column] += number }
              }
            }
          })
      }
      if !clamped.isEmpty, let feature = direction.feature {
        hooks += Self.clampHooks(clamped, feature, direction.values, edited: edited)
      }
      return hooks
    }
  }

  /// Lends the rows of a document's edited tokens, as far as the value has them.
  private static func rows(
    of document: Int, _ edited: Edited, _ value: inout HookedValue,
    _ body: (UnsafeMutableBufferPointer<Float>, _ token: Int) -> Void
  ) {
    let first = value.batch.starts[document]
    let rows = edited(document, value.batch.lengths[document]).compactMap { offset in
      value.row(of: first + offset).map { (row: $0, token: first + offset) }
    }
    let width = value.width
    value.withUnsafeMutableBuffer { buffer in
      for (row, token) in rows {
        body(UnsafeMutableBufferPointer(rebasing: buffer[row * width..<(row + 1) * width]), token)
      }
    }
  }

  /// (value − activation) · direction, the activation being what the encoder reads in the same run.
  private static func clampHooks(
    _ clamped: [(document: Int, value: Float)], _ feature: DictionaryFeature, _ values: [Float],
    edited: @escaping Edited
  ) -> [Hook] {
    // What the encoder's hook finds for the decoder's, by token.
    var changes: [Int: Float] = [:]
    func read(_ value: inout HookedValue) {
      var (tokens, wanted, elements) = ([Int](), [Float](), [Float]())
      for (document, amount) in clamped {
        rows(of: document, edited, &value) { row, token in
          tokens.append(token)
          wanted.append(amount)
          elements += row
        }
      }
      let matrix = Matrix(rows: tokens.count, columns: value.width, elements: elements)
      let (activations, factors) = (feature.activations(in: matrix), feature.factors(in: matrix))
      for (place, token) in tokens.enumerated() {
        changes[token] = (wanted[place] - activations[place]) * factors[place]
      }
    }
    func write(_ value: inout HookedValue) {
      for (document, _) in clamped {
        rows(of: document, edited, &value) { row, token in
          let change = changes[token] ?? 0
          for (column, number) in values.enumerated() { row[column] += change * number }
        }
      }
    }
    guard feature.input != feature.output else {
      return [
        Hook(feature.output) { value in
          read(&value)
          write(&value)
        }
      ]
    }
    return [Hook(feature.input) { value in read(&value) }, Hook(feature.output) { value in write(&value) }]
  }
}
