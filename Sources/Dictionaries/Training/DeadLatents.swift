import CKernels
import LinearAlgebra

extension DictionaryTrainer {
  /// Lets dead latents rebuild what the living ones left, and adds the gradients of that (Gao et al., arXiv 2406.04093).
  ///
  /// Each token's k_aux largest dead latents rebuild the residual e, which itself gets no gradient; the loss is weight ·
  /// min(1, dead/k_aux) · Σ‖e − ê‖² / Σ‖e − ē‖², or the mean of ‖e − ê‖² where it is not
  /// relative. 8·rows·dead·width operations, in blocks of 512 rows.
  func addAuxiliaryLoss(dead: [Int], rows: Int) -> Double {
    guard settings.auxiliaryByPrefix else {
      return addAuxiliaryLoss(dead: dead, prefix: prefixes.count - 1, rows: rows)
    }
    var (loss, start) = (0.0, 0)
    for (prefix, end) in prefixes.enumerated() {
      let own = dead.filter { start..<end ~= $0 }
      if !own.isEmpty { loss += addAuxiliaryLoss(dead: own, prefix: prefix, rows: rows) }
      start = end
    }
    return loss
  }

  /// The same of the residual that a prefix leaves.
  private func addAuxiliaryLoss(dead: [Int], prefix: Int, rows: Int) -> Double {
    let wanted = max(1, settings.auxiliaryK ?? inputWidth / 2)
    let k = min(wanted, dead.count)
    let residual = residuals(prefix, rows: rows)
    let variation =
      settings.auxiliaryIsRelative
      ? max(centredSquares(residual, rows: rows), Double.leastNormalMagnitude) : Double(rows)
    let weight = Double(settings.auxiliaryWeight) * min(1, Double(dead.count) / Double(wanted))
    let factor = Float(2 * weight / variation)
    let count = dead.count
    let (n, m) = (inputWidth, outputWidth)
    let rowsIn = FloatBuffer(zeros: count * n)
    let rowsOut = FloatBuffer(zeros: count * m)
    let selection = selectionRows
    for (index, latent) in dead.enumerated() {
      (rowsIn.base + index * n).update(from: selection.row(latent), count: n)
      unfold_scale(scaled?.inverses.base[latent] ?? 1, 0, decoder.row(latent), rowsOut.base + index * m, m)
    }
    let gradientIn = FloatBuffer(zeros: count * n)
    let gradientOut = FloatBuffer(zeros: count * m)
    var biasGradient = [Double](repeating: 0, count: count)
    var squares = 0.0
    let block = min(rows, 512)
    let values = FloatBuffer(unset: block * count)
    let slopes = FloatBuffer(unset: block * count)
    let errors = FloatBuffer(unset: block * m)
    for first in stride(from: 0, to: rows, by: block) {
      let some = min(block, rows - first)
      let input = scratch.encoderInput + first * n
      gemm(
        m: some, n: count, k: n, a: input, aStride: n, b: rowsIn.base, bStride: n, transposeB: true, c: values.base,
        cStride: count)
      selectDead(dead, k, values, bias: selection.bias, rows: some)
      errors.base.update(from: residual.base + first * m, count: some * m)
      gemm(
        m: some, n: m, k: count, a: values.base, aStride: count, b: rowsOut.base, bStride: m, beta: -1, c: errors.base,
        cStride: m)
      squares += Kernels.dotInDouble(errors.base, errors.base, count: some * m)
      Kernels.scale(errors.base, by: factor, into: errors.base, count: some * m)
      gemm(
        m: count, n: m, k: some, a: values.base, aStride: count, transposeA: true, b: errors.base, bStride: m, beta: 1,
        c: gradientOut.base, cStride: m)
      gemm(
        m: some, n: count, k: m, a: errors.base, aStride: m, b: rowsOut.base, bStride: m, transposeB: true,
        c: slopes.base, cStride: count)
      for place in 0..<some * count where values.base[place] <= 0 { slopes.base[place] = 0 }
      biasGradient.withUnsafeMutableBufferPointer { sums in
        if let sums = sums.baseAddress { unfold_column_sum(slopes.base, some, count, count, sums) }
      }
      gemm(
        m: count, n: n, k: some, a: slopes.base, aStride: count, transposeA: true, b: input, bStride: n, beta: 1,
        c: gradientIn.base, cStride: n)
    }
    for (index, latent) in dead.enumerated() {
      if !touched[latent] {
        touched[latent] = true
        encoder.gradientRow(latent).update(repeating: 0, count: n)
        decoder.gradientRow(latent).update(repeating: 0, count: m)
      }
      let norm = scaled?.norms.base[latent] ?? 1
      unfold_axpy(norm, gradientIn.base + index * n, encoder.gradientRow(latent), n)
      unfold_axpy(scaled?.inverses.base[latent] ?? 1, gradientOut.base + index * m, decoder.gradientRow(latent), m)
      encoderBias.gradient.base[latent] += norm * Float(biasGradient[index])
      scratch.productSums.base[latent] = norm * Float(biasGradient[index])
    }
    if subtractsDecoderBias { addToDecoderBias(latents: dead.map { Int32($0) }) }
    return weight * squares / variation
  }

  /// y − ŷ of a prefix's reconstruction, [rows, outputWidth].
  private func residuals(_ prefix: Int, rows: Int) -> FloatBuffer {
    let (scratch, count, factor) = (scratch, outputWidth, Float(rows) / 2)
    let isLast = prefix == prefixes.count - 1
    let result = FloatBuffer(unset: rows * count)
    Threads.forRanges(0..<rows, grain: 32) { some in
      for row in some {
        let place = row * count
        unfold_scale(-factor, 0, scratch.error(prefix) + place, result.base + place, count)
        // The errors are sums over the prefixes from there on.
        if !isLast { unfold_axpy(factor, scratch.error(prefix + 1) + place, result.base + place, count) }
      }
    }
    return result
  }

  private func centredSquares(_ values: FloatBuffer, rows: Int) -> Double {
    var sums = [Double](repeating: 0, count: outputWidth)
    sums.withUnsafeMutableBufferPointer { sums in
      if let sums = sums.baseAddress { unfold_column_sum(values.base, rows, outputWidth, outputWidth, sums) }
    }
    let squares = Kernels.dotInDouble(values.base, values.base, count: values.count)
    return squares - sums.reduce(0) { $0 + $1 * $1 } / Double(rows)
  }

  /// Adds biases and leaves each row's k largest values that are above 0.
  private func selectDead(_ dead: [Int], _ k: Int, _ values: FloatBuffer, bias: FloatBuffer, rows: Int) {
    Threads.forRanges(0..<rows, grain: 8) { some in
      for row in some {
        let base = values.base + row * dead.count
        for (index, latent) in dead.enumerated() { base[index] = max(base[index] + bias.base[latent], 0) }
        guard k < dead.count else { continue }
        var sorted = Array(UnsafeBufferPointer(start: base, count: dead.count))
        let least = selectLargest(&sorted, k)
        for index in dead.indices where base[index] < least { base[index] = 0 }
      }
    }
  }

  /// Gives dead latents new directions: inputs drawn with probability in proportion to their squared loss, the encoder at
  /// a fifth of the living rows' mean norm, Adam's state zeroed (Bricken et al. 2023).
  ///
  /// The inputs are those of the batch at hand.
  func resample(dead: [Int], rows: Int) {
    guard !dead.isEmpty else { return }
    var cumulative = [Double](repeating: 0, count: rows)
    var total = 0.0
    for row in 0..<rows {
      total += scratch.squaredErrors[row] * scratch.squaredErrors[row]
      cumulative[row] = total
    }
    guard total > 0, total.isFinite else { return }
    let isDead = Set(dead)
    let living = (0..<settings.latents).filter { !isDead.contains($0) }
    let norms = living.map { unfold_dot(encoder.row($0), encoder.row($0), inputWidth).squareRoot() }
    let norm = norms.isEmpty ? 1 : norms.reduce(0, +) / Float(norms.count)
    for latent in dead {
      let drawn = generator.uniform() * total
      let row = cumulative.firstIndex { $0 > drawn } ?? rows - 1
      let (encoding, direction) = (encoder.row(latent), decoder.row(latent))
      encoding.update(from: scratch.encoderInput + row * inputWidth, count: inputWidth)
      Kernels.setNorm(encoding, count: inputWidth, to: 0.2 * norm)
      unfold_subtract(scratch.target + row * outputWidth, decoderBias.values.base, direction, outputWidth)
      Kernels.setNorm(direction, count: outputWidth, to: settings.unitNormDecoder ? 1 : settings.initialDecoderNorm)
      encoderBias.values.base[latent] = 0
      sinceFired[latent] = 0
      for parameter in [encoder, decoder, encoderBias] {
        let columns = parameter.columns
        (parameter.first.base + latent * columns).update(repeating: 0, count: columns)
        (parameter.second.base + latent * columns).update(repeating: 0, count: columns)
      }
    }
  }
}
