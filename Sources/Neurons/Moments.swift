/// Mean, variance, skewness (mean z³) and kurtosis (mean z⁴) of a population.
struct Moments {
  var mean = 0.0
  var variance = 0.0
  var skewness = 0.0
  var kurtosis = 0.0

  init(_ values: some Collection<Float>) {
    let count = Double(max(values.count, 1))
    mean = values.reduce(0.0) { $0 + Double($1) } / count
    var (square, cube, fourth) = (0.0, 0.0, 0.0)
    for value in values {
      let d = Double(value) - mean
      square += d * d
      cube += d * d * d
      fourth += d * d * d * d
    }
    variance = square / count
    guard variance > 0 else { return }
    skewness = cube / count / (variance * variance.squareRoot())
    kurtosis = fourth / count / (variance * variance)
  }
}
