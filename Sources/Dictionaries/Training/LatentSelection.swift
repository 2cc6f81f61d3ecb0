import CKernels
import LinearAlgebra

/// Which latents are active in a batch: the encoder's product, read while it is in the cache and then forgotten.
///
/// The product comes in tiles [latents, tokens], a latent's row against a run of tokens, so that a vector compares one
/// latent with the bounds of many tokens.
struct LatentSelection {
  let encoder: SelectionRows
  /// [tokens, width].
  let input: UnsafePointer<Float>
  let tokens: Int

  var latents: Int { encoder.latents }
  var width: Int { encoder.width }

  /// The k largest of each token, those above 0.
  ///
  /// 2·tokens·latents·width operations; memory: a tile of 2 MiB a thread and 4·k numbers a token.
  func largest(_ k: Int) -> ActiveLatents {
    let capacity = 2 * k + 32
    let block = 512
    let tile = min(latents, 1024)
    var values = [Float](repeating: 0, count: tokens * capacity)
    var indices = [Int32](repeating: 0, count: tokens * capacity)
    var counts = [Int32](repeating: 0, count: tokens)
    // Below zero a latent is not active, so that nothing below is kept.
    var bounds = [Float](repeating: 0, count: tokens)
    values.withUnsafeMutableBufferPointer { values in
      indices.withUnsafeMutableBufferPointer { indices in
        counts.withUnsafeMutableBufferPointer { counts in
          bounds.withUnsafeMutableBufferPointer { bounds in
            guard let values = values.baseAddress, let indices = indices.baseAddress,
              let counts = counts.baseAddress, let bounds = bounds.baseAddress
            else { return }
            let selection = unfold_selection(
              k: k, capacity: capacity, values: values, latents: indices, counts: counts, bounds: bounds)
            let blocks = (tokens + block - 1) / block
            Threads.forEach(blocks) { index in
              let first = index * block
              let count = min(block, tokens - first)
              let products = FloatBuffer(unset: tile * count)
              withUnsafePointer(to: selection) { selection in
                for start in stride(from: 0, to: latents, by: tile) {
                  let some = min(tile, latents - start)
                  multiply(start, some, first, count, into: products.base)
                  unfold_select(
                    products.base, some, count, count, Int32(start), encoder.bias.base + start, selection, first)
                }
                for token in first..<first + count { _ = unfold_select_finish(selection, token) }
              }
            }
          }
        }
      }
    }
    var result = ActiveLatents()
    result.tokenOffsets.reserveCapacity(tokens + 1)
    result.latents.reserveCapacity(tokens * k)
    result.tokenValues.reserveCapacity(tokens * k)
    for token in 0..<tokens {
      let start = token * capacity
      result.latents += indices[start..<start + Int(counts[token])]
      result.tokenValues += values[start..<start + Int(counts[token])]
      result.tokenOffsets.append(result.latents.count)
    }
    result.orderByLatent(latentCount: latents)
    return result
  }

  /// Every latent and token whose product exceeds the latent's bound, by latent; values are not filled in.
  func above(_ bound: (Int) -> Float) -> ActiveLatents {
    let bounds = (0..<latents).map(bound)
    let block = 128
    let blocks = (latents + block - 1) / block
    var parts = [ActiveLatents](repeating: ActiveLatents(), count: blocks)
    parts.withUnsafeMutableBufferPointer { parts in
      Threads.forEach(blocks) { index in
        let start = index * block
        let some = min(block, latents - start)
        let products = FloatBuffer(unset: some * tokens)
        multiply(start, some, 0, tokens, into: products.base)
        var part = ActiveLatents()
        var found = [Int32](repeating: 0, count: tokens)
        var sums = [Float](repeating: 0, count: tokens)
        for latent in 0..<some {
          let count = found.withUnsafeMutableBufferPointer { found in
            sums.withUnsafeMutableBufferPointer { sums -> Int in
              guard let found = found.baseAddress, let sums = sums.baseAddress else { return 0 }
              return unfold_filter_above(
                products.base + latent * tokens, tokens, encoder.bias.base[start + latent], bounds[start + latent], 0,
                found, sums)
            }
          }
          part.tokens += found[..<count]
          part.products += sums[..<count]
          part.offsets.append(part.tokens.count)
        }
        parts[index] = part
      }
    }
    var result = ActiveLatents()
    result.tokens.reserveCapacity(parts.reduce(0) { $0 + $1.count })
    result.products.reserveCapacity(result.tokens.capacity)
    result.offsets.reserveCapacity(latents + 1)
    for part in parts {
      let base = result.tokens.count
      result.tokens += part.tokens
      result.products += part.products
      for offset in part.offsets.dropFirst() { result.offsets.append(base + offset) }
    }
    return result
  }

  /// The `count` largest of the whole batch, those above 0; of equal values those with the smaller latents.
  ///
  /// - Parameter guess: a bound below which the smallest of them is not expected, such as nine tenths of the last one; where
  ///   too few lie above it, the product is made again.
  /// - Returns: them, and the smallest of their products, 0 of none.
  func largestOfBatch(_ count: Int, guess: Float) -> (active: ActiveLatents, least: Float) {
    var found = above { _ in guess }
    // A batch apart from the last, and then all that is above 0.
    if found.count < count && guess > 0 { found = above { _ in 0.8 * guess } }
    if found.count < count && guess > 0 { found = above { _ in 0 } }
    guard found.count > count else { return (found, found.products.min() ?? 0) }
    // Cheaper than a sort: the bits of positive numbers rise with the numbers.
    var sorted = found.products
    let least = selectLargest(&sorted, count)
    let larger = found.products.reduce(0) { $0 + ($1 > least ? 1 : 0) }
    var equal = count - larger
    var result = ActiveLatents()
    result.offsets.reserveCapacity(found.latentCount + 1)
    result.tokens.reserveCapacity(count)
    result.products.reserveCapacity(count)
    for latent in 0..<found.latentCount {
      for place in found.range(latent) {
        let product = found.products[place]
        if product == least, equal > 0 {
          equal -= 1
        } else if !(product > least) {
          continue
        }
        result.tokens.append(found.tokens[place])
        result.products.append(product)
      }
      result.offsets.append(result.tokens.count)
    }
    return (result, least)
  }

  /// products[l, t] = encoder row · input row.
  private func multiply(
    _ firstLatent: Int, _ latents: Int, _ firstToken: Int, _ tokens: Int, into products: UnsafeMutablePointer<Float>
  ) {
    gemm(
      m: latents, n: tokens, k: width, a: encoder.row(firstLatent), aStride: width,
      b: input + firstToken * width, bStride: width, transposeB: true, c: products, cStride: tokens)
  }
}

/// The `count`-th largest value, by quickselect; the values are reordered.
func selectLargest(_ values: inout [Float], _ count: Int) -> Float {
  precondition(count >= 1 && count <= values.count, "the \(count)th of \(values.count)")
  return values.withUnsafeMutableBufferPointer { values in
    values.baseAddress.map { unfold_kth_largest($0, values.count, count) } ?? .nan
  }
}
