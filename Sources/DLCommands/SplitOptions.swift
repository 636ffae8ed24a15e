import ArgumentParser
import DLCore
import DLData

/// The options of the parts for training, validation and testing.
struct SplitOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The shares for training, validation and testing, as 0.8,0.1,0.1; one number, as 0.9, leaves "
        + "the rest for validation, and 1 makes one part.", valueName: "shares"))
  var split: SplitShares?
  @Option(help: "Make so many pairs of files instead, each with a part of its own to validate on.")
  var folds: Int?
  @Flag(help: "Give each part its share of every class.")
  var stratify = false
  @Option(help: "Keys which rows go where.")
  var seed = 1

  func validate() throws {
    if split != nil, folds != nil {
      throw ValidationError("--split and --folds exclude each other, give one of them")
    }
  }

  /// The plan, nine tenths for training unless another is asked for.
  var plan: SplitPlan {
    SplitPlan(
      shares: split?.shares ?? [0.9, 0.1], folds: folds, isStratified: stratify, seed: seed)
  }

  /// Refuses to part rows where other options say which rows are for what.
  ///
  /// - Throws: `ValidationError` that names the options.
  func requireNone(beside others: [(option: String, isGiven: Bool)]) throws {
    let given = others.filter(\.isGiven).map(\.option)
    guard asked != nil, !given.isEmpty else { return }
    throw ValidationError(
      "\(given.joined(separator: " and ")): with it no rows are parted, leave out --split, --folds and "
        + "--stratify")
  }

  /// Refuses options of what another file says.
  ///
  /// - Parameter like: the option that names it.
  /// - Throws: `ValidationError` that names the options.
  static func requireNone(
    of others: [(option: String, isGiven: Bool)], besideLike isLike: Bool, like: String = "--like"
  ) throws {
    let given = others.filter(\.isGiven).map(\.option)
    guard isLike, !given.isEmpty else { return }
    throw ValidationError(
      "\(given.joined(separator: " and ")): the file of \(like) says that, leave one of them out")
  }

  /// The plan; nil where none is asked for.
  var asked: SplitPlan? { split == nil && folds == nil && !stratify ? nil : plan }
}

/// Shares that are parted by commas.
struct SplitShares: ExpressibleByArgument {
  let shares: [Double]

  init?(argument: String) {
    let shares = argument.parts(at: ",").map { Double($0) }
    guard !shares.contains(nil) else { return nil }
    let numbers = shares.compactMap { $0 }
    // What is out of range is told where the plan is checked, by the number that was given.
    self.shares =
      numbers.count == 1 && numbers[0] > 0 && numbers[0] < 1
      ? [numbers[0], 1 - numbers[0]] : numbers
  }
}
