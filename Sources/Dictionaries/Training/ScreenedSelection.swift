import CKernels
import LinearAlgebra

/// The k largest products of each token, found by products of 16-bit integers and computed in single precision.
///
/// Encoder rows and inputs are rounded to 16 bits with a factor a row. What rounding can have changed is bounded by
/// ‖x − x̃‖·‖w‖ + ‖x̃‖·‖w − w̃‖, so that every latent that may be among the k largest is kept, some two in a hundred more
/// than k, and their products are then made from the rows themselves: the selection is that of single precision. On
/// processors with AVX2 and no wider vectors this takes two thirds of the time of the product in single precision.
///
/// Memory: half of the encoder's, half of a batch's, and the candidates, 12 bytes · (4·k + 64) a token.
final class ScreenedSelection {
  private let latents: Int
  private let width: Int
  private let batch: Int
  private let k: Int
  private let memory: [UnsafeMutableRawPointer]
  let bytes: Int
  private var screen: unfold_screen
  private let bias: UnsafeMutablePointer<Float>
  /// What the k-th largest product over the row's norm is expected to exceed. It saves work and decides nothing.
  private var share: Float = 0

  /// Whether it is quicker here than the product in single precision.
  static let isSuitable = unfold_can_screen() && String(cString: unfold_kernel_level()) == "avx2"

  init(latents: Int, width: Int, k: Int, batch: Int) {
    self.latents = latents
    self.width = width
    self.batch = batch
    self.k = k
    let padded = (width + 1) / 2 * 2
    let room = (latents + 15) / 16 * 16
    let capacity = 4 * k + 64
    var memory: [UnsafeMutableRawPointer] = []
    var total = 0
    func allocate<T>(_ type: T.Type, _ count: Int) -> UnsafeMutablePointer<T> {
      let bytes = max(count, 1) * MemoryLayout<T>.stride
      let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
      raw.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
      memory.append(raw)
      total += bytes
      return raw.bindMemory(to: type, capacity: max(count, 1))
    }
    bias = allocate(Float.self, room)
    screen = unfold_screen(
      width: width, padded: padded, latent_count: latents, token_count: batch, k: k, capacity: capacity,
      latents: allocate(Int16.self, room * padded), tokens: allocate(Int16.self, (batch + 5) / 6 * 6 * padded),
      latent_inverse: allocate(Float.self, room), latent_norm: allocate(Float.self, room),
      latent_error: allocate(Float.self, room), token_inverse: allocate(Float.self, batch),
      token_norm: allocate(Float.self, batch), token_error: allocate(Float.self, batch), bias: bias,
      candidates: allocate(unfold_candidate.self, batch * capacity), counts: allocate(Int32.self, batch),
      bounds: allocate(Float.self, batch))
    self.memory = memory
    bytes = total
  }

  deinit { for raw in memory { raw.deallocate() } }

  func largest(encoder: SelectionRows, input: UnsafePointer<Float>, tokens: Int) -> ActiveLatents {
    precondition(tokens <= batch, "\(tokens) tokens in a batch of \(batch)")
    bias.update(from: encoder.bias.base, count: latents)
    let found = UnsafeMutablePointer<Int32>.allocate(capacity: tokens * k)
    let values = UnsafeMutablePointer<Float>.allocate(capacity: tokens * k)
    let counts = UnsafeMutablePointer<Int>.allocate(capacity: tokens)
    defer {
      found.deallocate()
      values.deallocate()
      counts.deallocate()
    }
    let (latents, width, k, share) = (latents, width, k, share)
    // Blocks of whole tiles, about 192 tokens, which the second cache holds; of equal sizes for every thread.
    let tiles = (tokens + 5) / 6
    let blocks = (tokens + 192 * Threads.count - 1) / (192 * Threads.count) * Threads.count
    withUnsafePointer(to: screen) { screen in
      // Panels of 16 latents share cache lines, so that they are not shared among threads.
      Threads.forRanges(0..<(latents + 15) / 16, grain: 8) { panels in
        for latent in panels.lowerBound * 16..<min(panels.upperBound * 16, latents) {
          unfold_screen_latent(screen, latent, encoder.row(latent))
        }
      }
      Threads.forEach(blocks) { index in
        let first = 6 * (tiles * index / blocks)
        let count = min(6 * (tiles * (index + 1) / blocks), tokens) - first
        for token in first..<first + count {
          unfold_screen_token(screen, token, input + token * width)
        }
        unfold_screen_tokens(screen, first, count, share)
        for token in first..<first + count {
          counts[token] = unfold_screen_finish(
            screen, token, encoder.rows.base, input + token * width, found + token * k, values + token * k)
        }
      }
    }
    expect(values, counts, tokens: tokens)
    var result = ActiveLatents()
    result.tokenOffsets.reserveCapacity(tokens + 1)
    result.latents.reserveCapacity(tokens * k)
    result.tokenValues.reserveCapacity(tokens * k)
    for token in 0..<tokens {
      result.latents += UnsafeBufferPointer(start: found + token * k, count: counts[token])
      result.tokenValues += UnsafeBufferPointer(start: values + token * k, count: counts[token])
      result.tokenOffsets.append(result.latents.count)
    }
    result.orderByLatent(latentCount: latents)
    return result
  }

  /// Expects of the next batch nine tenths of the smallest share of this one.
  private func expect(_ values: UnsafePointer<Float>, _ counts: UnsafePointer<Int>, tokens: Int) {
    var smallest = Float.infinity
    for token in 0..<tokens {
      guard counts[token] == k, screen.token_norm[token] > 0 else {
        share = 0
        return
      }
      var least = Float.infinity
      for place in token * k..<(token + 1) * k { least = min(least, values[place]) }
      smallest = min(smallest, least / screen.token_norm[token])
    }
    share = smallest.isFinite ? 0.9 * smallest : 0
  }
}
