import Diagnostics
import LinearAlgebra

/// What is done with labelled rows: site, method and strength are chosen inside the examples to learn from, a probe is
/// fitted to all of those, and it predicts the examples held back.
///
/// The score that is quoted comes from it, and so does everything that the score is compared with: other labels, other
/// rows, fewer examples.
struct Procedure: Sendable {
  /// The methods to choose among are its `methods`.
  let settings: ProbeSettings

  /// Rows to choose among, an example each.
  struct Candidate: Sendable {
    /// For messages.
    var name: String
    var rows: ExampleMatrix

    /// Puts the name in a fault of some work on the rows.
    func named<Result>(_ work: () throws -> Result) throws -> Result {
      do { return try work() } catch var fault as Fault {
        fault.place = [name, fault.place].compactMap(\.self).joined(separator: ", ")
        throw fault
      }
    }
  }

  /// What examples are to be given.
  struct Targets: Sendable {
    var labels: [Int32]
    var classes: Int
    /// Numbers to predict, of which the classes are the halves; empty where classes are told apart.
    var numbers: [Double] = []
    /// Where the halves part.
    var median: Double?

    /// The targets of some examples.
    func selecting(_ places: [Int]) -> Targets {
      Targets(
        labels: places.map { labels[$0] }, classes: classes, numbers: numbers.isEmpty ? [] : places.map { numbers[$0] },
        median: median)
    }
  }

  /// One method on one candidate.
  struct Trial: Sendable {
    var method: ProbeSettings.Method
    /// By split.
    var fits: [MethodFit]
    /// The mean balanced accuracy, or R², on folds of the examples to learn from.
    var validations: [Double?]
    /// Every example's scores by the fit that has not seen it, [examples, outputs]; 0 for those never held back.
    var scores: Matrix
  }

  /// What a split chose.
  struct Choice: Sendable {
    var candidate: Int
    var method: ProbeSettings.Method
    /// C, or α of ridge regression; nil where there is none.
    var strength: Double?
    var validation: Double?
  }

  /// The procedure's own predictions.
  struct Outcome: Sendable {
    var judged: Judged
    /// By split.
    var choices: [Choice]
  }

  /// Fits each method on one candidate's rows, in every split.
  ///
  /// - Parameter training: the rows that the only split learns from, where they are at hand.
  /// - Throws: what a fit throws.
  func trials(
    _ candidate: Candidate, _ targets: Targets, groups: [Int], splits: [Split], training: TrainingRows? = nil
  ) throws -> [Trial] {
    var trials = settings.methods.map {
      Trial(method: $0, fits: [], validations: [], scores: Matrix(zeros: 0, columns: 0))
    }
    for split in splits {
      let training =
        try training ?? rowsToLearn(candidate.rows, targets, groups: groups, places: split.train)
      let test = try candidate.rows.selectingRows(split.test)
      for (place, method) in settings.methods.enumerated() {
        let fit = try MethodFit(training, settings: settings.with(method))
        let scores = fit.classifier.scores(of: test)
        if trials[place].scores.rows == 0 {
          trials[place].scores = Matrix(zeros: candidate.rows.rows, columns: scores.columns)
        }
        trials[place].scores.put(scores, at: split.test)
        trials[place].validations.append(fit.validation)
        trials[place].fits.append(fit)
      }
    }
    return trials
  }

  /// The rows at some places, with folds of their own for the choices.
  func rowsToLearn(
    _ rows: ExampleMatrix, _ targets: Targets, groups: [Int], places: [Int]
  ) throws -> TrainingRows {
    let own = targets.selecting(places)
    return try TrainingRows(
      try rows.selectingRows(places), labels: own.labels, classes: own.classes, groups: places.map { groups[$0] },
      values: own.numbers, folds: settings.folds, needsFolds: settings.needsFolds, seed: settings.seed)
  }

  /// Chooses in every split, of trials by candidate and method.
  func choose(_ trials: [[Trial]], _ targets: Targets, groups: [Int], splits: [Split]) -> Outcome {
    var scores = Matrix(zeros: trials[0][0].scores.rows, columns: trials[0][0].scores.columns)
    var choices: [Choice] = []
    for (number, split) in splits.enumerated() {
      var best = (candidate: 0, method: 0, validation: -Double.infinity)
      for (candidate, methods) in trials.enumerated() {
        for (method, trial) in methods.enumerated() where trial.validations[number] ?? -.infinity > best.validation {
          best = (candidate, method, trial.validations[number] ?? -.infinity)
        }
      }
      let trial = trials[best.candidate][best.method]
      scores.take(split.test, of: trial.scores)
      let record = trial.fits.isEmpty ? nil : trial.fits[number].record
      choices.append(
        Choice(
          candidate: best.candidate, method: trial.method, strength: record?.strength ?? record?.penalty,
          validation: trial.validations[number]))
    }
    return Outcome(judged: Judged(scores, targets, groups: groups, splits: splits), choices: choices)
  }

  /// The whole procedure: what the candidates say of the targets.
  func judge(_ candidates: [Candidate], _ targets: Targets, groups: [Int], splits: [Split]) throws -> Outcome {
    choose(
      try candidates.map { candidate in
        try candidate.named { try trials(candidate, targets, groups: groups, splits: splits) }.map { trial in
          // Weights of many sites would take more memory than their scores.
          var own = trial
          own.fits = []
          return own
        }
      }, targets, groups: groups, splits: splits)
  }
}

extension Matrix {
  /// Puts another's rows in the place of some of these.
  mutating func put(_ rows: Matrix, at places: [Int]) {
    let columns = columns
    withUnsafeMutableElements { elements in
      for (row, place) in places.enumerated() {
        for column in 0..<columns { elements[place * columns + column] = rows.elements[row * columns + column] }
      }
    }
  }
}
