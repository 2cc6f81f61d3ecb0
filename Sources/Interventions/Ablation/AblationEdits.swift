import Dictionaries
import LinearAlgebra
import Transformer

/// The rows of a value that belong to some tokens of the batch, by the token's number among them.
private func forRows(
  of value: inout HookedValue, tokens wanted: Range<Int>, _ body: (UnsafeMutablePointer<Float>, Int) -> Void
) {
  let (width, rows, routed) = (value.width, value.rows, value.tokens)
  value.withUnsafeMutableBuffer { buffer in
    guard let start = buffer.baseAddress else { return }
    if let routed {
      for (row, token) in routed.enumerated() where wanted.contains(token) {
        body(start + row * width, token - wanted.lowerBound)
      }
    } else {
      for token in rows.clamped(to: wanted) {
        body(start + (token - rows.lowerBound) * width, token - wanted.lowerBound)
      }
    }
  }
}

extension AblationItem.Place {
  /// A hook that changes the place in some of a run's tokens.
  ///
  /// - Parameters:
  ///   - tokens: Which of the batch's; the replacement's tokens are counted from the first of them.
  ///   - latents: What the dictionary's latent is at each of these tokens in the clean run, and what a row of its output counts
  ///     with.
  ///   - replacement: What is put at a token; nil leaves it as it is.
  func editing(
    _ tokens: Range<Int>, latents: LatentValues?, replacement: @escaping (_ token: Int) -> ArraySlice<Float>?
  ) -> Hook {
    Hook(site) { value in
      let width = value.width
      forRows(of: &value, tokens: tokens) { row, token in
        guard let new = replacement(token) else { return }
        switch content {
        case .columns(let columns):
          for (column, value) in zip(columns, new) { row[column] = value }
        case .direction(let unit):
          unit.withUnsafeBufferPointer { unit in
            guard let start = unit.baseAddress, let wanted = new.first else { return }
            let own = Kernels.dotInDouble(row, start, count: width)
            Kernels.axpy(Float(Double(wanted) - own), start, into: row, count: width)
          }
        case .latent(_, _, let direction):
          guard let latents, let wanted = new.first else { return }
          let change = (wanted - latents.values[token]) * latents.factors[token]
          guard change != 0 else { return }
          direction.withUnsafeBufferPointer { direction in
            guard let start = direction.baseAddress else { return }
            Kernels.axpy(change, start, into: row, count: width)
          }
        }
      }
    }
  }
}

/// A latent's activation at each token of a batch, and what a row of the dictionary's output counts with.
struct LatentValues {
  var values: [Float]
  var factors: [Float]
}

/// Reads some places in a run.
struct PlaceReading {
  let places: [AblationItem.Place]

  /// Hooks that give each place's values at each token of the batch, a dictionary's encoded once for all its latents.
  ///
  /// - Parameter onlyLatents: Leaves all other places out.
  func hooks(
    onlyLatents: Bool = false,
    _ body: @escaping (_ place: Int, _ token: Int, _ values: UnsafeBufferPointer<Float>, _ factor: Float) -> Void
  ) -> [Hook] {
    var hooks: [Hook] = []
    var readers: [(reader: AblationItem.LatentReader, places: [(place: Int, latent: Int)])] = []
    for (number, place) in places.enumerated() {
      switch place.content {
      case .latent(let reader, let latent, _):
        if let known = readers.firstIndex(where: { $0.reader === reader }) {
          readers[known].places.append((number, latent))
        } else {
          readers.append((reader, [(number, latent)]))
        }
      case .columns(let columns) where !onlyLatents:
        hooks.append(
          Hook(place.site) { value in
            forRows(of: &value, tokens: 0..<value.batch.count) { row, token in
              body(number, token, UnsafeBufferPointer(start: row + columns.lowerBound, count: columns.count), 1)
            }
          })
      case .direction(let unit) where !onlyLatents:
        hooks.append(
          Hook(place.site) { value in
            let width = value.width
            forRows(of: &value, tokens: 0..<value.batch.count) { row, token in
              unit.withUnsafeBufferPointer { unit in
                guard let start = unit.baseAddress else { return }
                give(Float(Kernels.dotInDouble(row, start, count: width)), 1, number, token, body)
              }
            }
          })
      default: break
      }
    }
    hooks += readers.map { reader, wanted in
      Hook(reader.input) { value in
        let rows = Matrix(rows: value.rows.count, columns: value.width, elements: value.copy())
        let latents = reader.dictionary.encode(rows)
        let factors = reader.dictionary.outputFactors(of: rows)
        for (number, latent) in wanted {
          for token in 0..<rows.rows { give(latents[token, latent], factors[token], number, token, body) }
        }
      }
    }
    return hooks
  }

  private func give(
    _ value: Float, _ factor: Float, _ place: Int, _ token: Int,
    _ body: (Int, Int, UnsafeBufferPointer<Float>, Float) -> Void
  ) {
    withUnsafePointer(to: value) { body(place, token, UnsafeBufferPointer(start: $0, count: 1), factor) }
  }
}
