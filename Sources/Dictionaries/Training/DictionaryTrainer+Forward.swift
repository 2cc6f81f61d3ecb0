import CKernels
import LinearAlgebra

extension DictionaryTrainer {
  /// What latents are selected by.
  var selectionRows: SelectionRows {
    scaled.map { SelectionRows($0) } ?? SelectionRows(encoder: encoder, bias: encoderBias)
  }

  /// The active latents of the batch, with their values.
  func activate(rows: Int) -> ActiveLatents {
    scaled?.update(encoder: encoder, bias: encoderBias, decoder: decoder, norm: directionNorm)
    let selectionRows = selectionRows
    let selection = LatentSelection(encoder: selectionRows, input: scratch.encoderInput, tokens: rows)
    switch settings.architecture {
    case .topK:
      var active =
        screened?.largest(encoder: selectionRows, input: scratch.encoderInput, tokens: rows)
        ?? selection.largest(settings.k)
      guard let scaled else { return active }
      scaled.unscale(&active)
      active.orderByToken(tokenCount: rows)
      return active
    case .batchTopK, .matryoshka:
      var (active, least) = selection.largestOfBatch(settings.k * rows, guess: 0.93 * lastBound)
      lastBound = least
      active.values = active.products
      scaled?.unscale(&active)
      active.orderByToken(tokenCount: rows)
      return active
    case .standard, .gated, .jumpReLU:
      let rule = rule
      var active = selection.above { rule.bound($0) }
      active.values = [Float](repeating: 0, count: active.count)
      active.fillValues(rule)
      active.orderByToken(tokenCount: rows)
      return active
    }
  }

  /// The errors of every prefix, times 2/rows: group g holds the sum of the errors of the prefixes that contain it.
  func reconstruct(_ active: ActiveLatents, rows: Int, _ metrics: inout StepMetrics) {
    let width = outputWidth
    let (prefixes, decoder, bias) = (prefixes, decoder, decoderBias)
    let groups = prefixes.count
    let scratch = scratch
    let factor = 2 / Float(rows)
    if let skip {
      gemm(
        m: rows, n: width, k: inputWidth, a: scratch.input.base, aStride: inputWidth, b: skip.values.base,
        bStride: inputWidth, transposeB: true, c: scratch.skipped.base, cStride: width)
    }
    do {
      active.tokenOffsets.withUnsafeBufferPointer { offsets in
        active.latents.withUnsafeBufferPointer { latents in
          active.tokenValues.withUnsafeBufferPointer { values in
            Threads.forRanges(0..<rows, grain: 32) { some in
              for row in some {
                var place = offsets[row]
                var loss = 0.0
                for group in 0..<groups {
                  let error = scratch.error(group) + row * width
                  if group > 0 {
                    error.update(from: scratch.error(group - 1) + row * width, count: width)
                  } else {
                    unfold_start_error(
                      bias.values.base, scratch.target + row * width,
                      skip == nil ? nil : scratch.skipped.base + row * width,
                      error, width)
                  }
                  var end = place
                  while end < offsets[row + 1], Int(latents[end]) < prefixes[group] { end += 1 }
                  if end > place, let indices = latents.baseAddress, let factors = values.baseAddress {
                    unfold_add_rows(
                      decoder.values.base, width, indices + place, factors + place, end - place, width, error)
                  }
                  place = end
                  loss += Double(unfold_dot(error, error, width))
                  if group == groups - 1 { scratch.squaredErrors[row] = Double(unfold_dot(error, error, width)) }
                }
                scratch.tokenLosses[row] = loss
                // Suffix sums over the prefixes: the gradient of a latent counts every prefix that contains it.
                for group in (0..<groups).reversed() {
                  let error = scratch.error(group) + row * width
                  unfold_scale(factor, 0, error, error, width)
                  if group + 1 < groups { unfold_axpy(1, scratch.error(group + 1) + row * width, error, width) }
                }
              }
            }
          }
        }
      }
    }
    let total = (0..<rows).reduce(0.0) { $0 + scratch.tokenLosses[$1] }
    let squared = (0..<rows).reduce(0.0) { $0 + scratch.squaredErrors[$1] }
    metrics.reconstruction = total / Double(rows)
    metrics.fvu = squared / scratch.variation(rows: rows)
    metrics.l0 = Double(active.tokenValues.reduce(0) { $0 + ($1 > 0 ? 1 : 0) }) / Double(rows)
    if rule.rebuildsFromGate { metrics.auxiliary += reconstructFromGate(active, rows: rows) }
  }

  /// The error of the reconstruction from a gate's products, times 2/rows, and its loss.
  func reconstructFromGate(_ active: ActiveLatents, rows: Int) -> Double {
    let width = outputWidth
    var gates = active
    gates.values = active.products.map { max($0, 0) }
    gates.orderByToken(tokenCount: rows)
    let (decoder, bias, scratch, skip) = (decoder, decoderBias, scratch, skip)
    let losses = FloatBuffer(zeros: rows)
    gates.tokenOffsets.withUnsafeBufferPointer { offsets in
      gates.latents.withUnsafeBufferPointer { latents in
        gates.tokenValues.withUnsafeBufferPointer { values in
          Threads.forRanges(0..<rows, grain: 32) { some in
            for row in some {
              let error = scratch.gateError.base + row * width
              unfold_start_error(
                bias.values.base, scratch.target + row * width, skip == nil ? nil : scratch.skipped.base + row * width,
                error, width)
              if let indices = latents.baseAddress, let factors = values.baseAddress {
                unfold_add_rows(
                  decoder.values.base, width, indices + offsets[row], factors + offsets[row],
                  offsets[row + 1] - offsets[row], width, error)
              }
              losses.base[row] = unfold_dot(error, error, width)
              unfold_scale(2 / Float(rows), 0, error, error, width)
            }
          }
        }
      }
    }
    return losses.buffer.reduce(0.0) { $0 + Double($1) } / Double(rows)
  }
}
