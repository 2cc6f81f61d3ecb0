import Diagnostics
import LinearAlgebra

/// A permutation test of a study in which every shuffle repeats the whole choice (Good, Permutation Tests, 2000), with
/// least squares in the place of the study's methods.
///
/// Ridge regression, and the difference of means, predict held-out rows linearly in the training labels: one factorisation
/// of a site's products of rows serves every shuffle. For each shuffle, in each split, site and ridge are
/// chosen by the correlation on folds inside the examples to learn from, as the true labels choose them.
struct ScreenedShuffles {
  /// The statistic under the true labels, and under each shuffle: the mean over splits of AUROC (the mean over classes), or
  /// of the correlation with a number.
  private(set) var observed = 0.0
  private(set) var shuffled: [Double] = []
  /// How many examples took part.
  let examples: Int

  /// (1 + the shuffles that do as well) / (1 + all shuffles).
  var pValue: Double {
    Double(1 + shuffled.count { $0 >= observed - 1e-12 }) / Double(1 + shuffled.count)
  }

  /// Where least squares may decide otherwise than the procedure: near 0.05.
  static let doubtful = 0.02...0.1
  /// Products of more rows take long to factorise; groups, not examples, are what a test rests on.
  private static let most = 1200
  /// Ridges, as shares of the number of rows.
  private static let ridges = [0.01, 0.1, 1, 10]

  /// A way to predict from products of rows.
  private enum Learner {
    case ridge(Double)
    case meanDifference
  }

  /// The examples that take part, and where they are.
  private struct Task {
    let targets: Procedure.Targets
    let outputs: Int
    /// What each example takes under each shuffle, the true labels first: [examples, shuffles · outputs].
    let labels: Matrix
    let orders: [[Int]]
    let splits: [(train: [Int], test: [Int], folds: [Split])]
    var columns: Int { orders.count * outputs }
  }

  init(_ study: FittedStudy, generator: inout SeededGenerator) throws {
    let (chosen, splits) = study.examples.choice(of: Self.most)
    examples = chosen.count
    let task = Self.task(study, chosen, splits, generator: &generator)
    // For each split and shuffle the best choice so far, and its predictions.
    var best = task.splits.map { _ in [Double](repeating: -.infinity, count: task.orders.count) }
    var predictions = task.splits.map { Matrix(zeros: $0.test.count, columns: task.columns) }
    let methods = study.settings.methods
    for candidate in study.candidates {
      let rows = candidate.rows.matrix(ofRows: chosen)
      if methods.contains(where: { $0 != .massMean }) {
        let products = Self.products(rows, isScaled: true)
        for ridge in Self.ridges {
          try Self.take(.ridge(ridge), products, task, &best, &predictions)
        }
      }
      if methods.contains(.massMean) {
        try Self.take(.meanDifference, Self.products(rows, isScaled: false), task, &best, &predictions)
      }
    }
    let statistics = Self.statistics(predictions, task)
    observed = statistics[0]
    shuffled = Array(statistics.dropFirst())
  }

  private static func task(
    _ study: FittedStudy, _ chosen: [Int], _ splits: [Split], generator: inout SeededGenerator
  ) -> Task {
    let targets = study.targets.selecting(chosen)
    let groups = chosen.map { study.examples.groups[$0] }
    let blocks = ExchangeableBlocks(targets, groups: groups)
    let classes = targets.classes
    let isNumber = !targets.numbers.isEmpty
    // A statistic of many classes costs as many sorts.
    let shuffles = classes == 2 ? study.settings.shuffles : min(study.settings.shuffles, 199)
    let orders =
      [Array(chosen.indices)]
      + (0..<shuffles).map { _ in blocks.shuffled(count: chosen.count, generator: &generator) }
    let outputs = isNumber || classes == 2 ? 1 : classes
    let labels = Matrix(rows: chosen.count, columns: orders.count * outputs) { buffer in
      for (number, order) in orders.enumerated() {
        for row in chosen.indices {
          let place = row * orders.count * outputs + number * outputs
          if isNumber {
            buffer[place] = Float(targets.numbers[order[row]])
          } else {
            let own = Int(targets.labels[order[row]])
            for output in 0..<outputs { buffer[place + output] = own == (outputs == 1 ? 1 : output) ? 1 : 0 }
          }
        }
      }
    }
    let ways = splits.map { split -> (train: [Int], test: [Int], folds: [Split]) in
      let own = split.train.map { targets.labels[$0] }
      let ownGroups = split.train.map { groups[$0] }
      // Few groups allow fewer folds; without folds the first site and the middle ridge stand.
      let folds = (2...max(2, study.settings.folds)).reversed().lazy.compactMap { count in
        try? Split.folds(count, labels: own, groups: ownGroups, seed: study.settings.seed)
      }.first
      return (split.train, split.test, folds ?? [])
    }
    return Task(targets: targets, outputs: outputs, labels: labels, orders: orders, splits: ways)
  }

  /// The products of all pairs of rows, each column centred, and scaled where asked, over all rows: nothing of a label
  /// is in that.
  private static func products(_ rows: Matrix, isScaled: Bool) -> Matrix {
    var standardization = ColumnSums(of: ExampleMatrix(rows)).standardization()
    if !isScaled { standardization.scales = standardization.scales.map { _ in 1 } }
    let scaled = standardization.applied(to: rows)
    return scaled.multiplied(by: scaled, transposed: true)
  }

  /// Lets one learner on one candidate choose and predict, for every shuffle.
  private static func take(
    _ learner: Learner, _ products: Matrix, _ task: Task, _ best: inout [[Double]], _ predictions: inout [Matrix]
  ) throws {
    for (number, split) in task.splits.enumerated() where !split.test.isEmpty {
      var validations = [Double](repeating: 0, count: task.orders.count)
      for fold in split.folds {
        let (train, test) = (fold.train.map { split.train[$0] }, fold.test.map { split.train[$0] })
        let predicted = try predict(learner, products, train: train, test: test, task)
        for (order, value) in correlations(predicted, task, rows: test).enumerated() {
          validations[order] += value / Double(split.folds.count)
        }
      }
      let better = validations.indices.filter { validations[$0] > best[number][$0] }
      guard !better.isEmpty else { continue }
      let predicted = try predict(learner, products, train: split.train, test: split.test, task)
      let columns = task.columns
      predictions[number].withUnsafeMutableElements { kept in
        predicted.elements.withUnsafeBufferPointer { predicted in
          for row in 0..<split.test.count {
            for order in better {
              for output in order * task.outputs..<(order + 1) * task.outputs {
                kept[row * columns + output] = predicted[row * columns + output]
              }
            }
          }
        }
      }
      for order in better { best[number][order] = validations[order] }
    }
  }

  /// What rows are predicted to be from others, under every shuffle: [test, shuffles · outputs].
  private static func predict(
    _ learner: Learner, _ products: Matrix, train: [Int], test: [Int], _ task: Task
  ) throws -> Matrix {
    let (own, held) = centred(products, train: train, test: test)
    let smoother: Matrix
    switch learner {
    case .meanDifference: smoother = held
    case .ridge(let share):
      var system = own
      let size = train.count
      for index in 0..<size { system[index * size + index] += share * Double(size) }
      guard let solved = solveSymmetric(system, size: size, right: held.elements.map(Double.init)) else {
        throw Fault(
          .badData, "probe.notFinite", "The least-squares fit of the label shuffles has no solution",
          expected: "finite activations", found: "products of \(size) rows")
      }
      smoother = Matrix(rows: test.count, columns: size, elements: solved.map { Float($0) })
    }
    return smoother.multiplied(by: task.labels.selectingRows(train))
  }

  /// The products among training rows, and of test rows with these, with the training rows' mean taken off.
  private static func centred(_ products: Matrix, train: [Int], test: [Int]) -> (own: [Double], held: Matrix) {
    let size = train.count
    let all = products.columns
    let count = Double(max(size, 1))
    return products.elements.withUnsafeBufferPointer { values in
      let means = train.map { row in train.reduce(0.0) { $0 + Double(values[row * all + $1]) } / count }
      let mean = means.reduce(0, +) / count
      var own = [Double](repeating: 0, count: size * size)
      for (place, row) in train.enumerated() {
        for (column, other) in train.enumerated() {
          own[place * size + column] = Double(values[row * all + other]) - means[place] - means[column] + mean
        }
      }
      let held = Matrix(rows: test.count, columns: size) { held in
        for (place, row) in test.enumerated() {
          let own = train.reduce(0.0) { $0 + Double(values[row * all + $1]) } / count
          for (column, other) in train.enumerated() {
            held[place * size + column] = Float(Double(values[row * all + other]) - own - means[column] + mean)
          }
        }
      }
      return (own, held)
    }
  }

  /// For each shuffle the correlation of predictions with what the rows take, the mean over outputs.
  private static func correlations(_ predicted: Matrix, _ task: Task, rows: [Int]) -> [Double] {
    let columns = task.columns
    let count = Double(max(rows.count, 1))
    var sums = [SIMD4<Double>](repeating: .zero, count: columns)  // Σp, Σp², Σpy, Σy
    var squares = [Double](repeating: 0, count: columns)  // Σy²
    for (place, row) in rows.enumerated() {
      for column in 0..<columns {
        let p = Double(predicted.elements[place * columns + column])
        let y = Double(task.labels.elements[row * columns + column])
        sums[column] += SIMD4(p, p * p, p * y, y)
        squares[column] += y * y
      }
    }
    return task.orders.indices.map { order in
      var total = 0.0
      for column in order * task.outputs..<(order + 1) * task.outputs {
        let sum = sums[column]
        let variances = (sum[1] - sum[0] * sum[0] / count) * (squares[column] - sum[3] * sum[3] / count)
        if variances > 1e-24 { total += (sum[2] - sum[0] * sum[3] / count) / variances.squareRoot() }
      }
      return total / Double(task.outputs)
    }
  }

  /// The statistic of each shuffle, the mean over splits in which it is known.
  private static func statistics(_ predictions: [Matrix], _ task: Task) -> [Double] {
    let columns = task.columns
    var results = [Double](repeating: 0, count: task.orders.count)
    results.withUnsafeMutableBufferPointer { results in
      nonisolated(unsafe) let results = results
      Threads.forEach(task.orders.count) { order in
        var (sum, known) = (0.0, 0.0)
        for (split, predicted) in zip(task.splits, predictions) {
          let rows = split.test.map { task.orders[order][$0] }
          func score(_ row: Int, _ output: Int) -> Float {
            predicted.elements[row * columns + order * task.outputs + output]
          }
          guard task.targets.numbers.isEmpty else {
            sum += correlation(
              rows.indices.map { Double(score($0, 0)) }, rows.map { task.targets.numbers[$0] })
            known += 1
            continue
          }
          let own = rows.map { task.targets.labels[$0] }
          var area = 0.0
          var isKnown = true
          for output in 0..<task.outputs {
            let areas = AUROC.areas(of: own.count, labels: own, classes: task.targets.classes) { score($0, output) }
            if let value = areas[task.outputs == 1 ? 1 : output] {
              area += value / Double(task.outputs)
            } else {
              isKnown = false
            }
          }
          guard isKnown else { continue }
          sum += area
          known += 1
        }
        results[order] = known > 0 ? sum / known : 0.5
      }
    }
    return results
  }
}
