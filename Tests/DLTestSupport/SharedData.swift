import DLCore
import Foundation
import Testing

/// Data that tests need and the repository does not hold: in `$DLTRAIN_TEST_DATA`, or else in
/// `shared/data` beside the repository's folder.
public struct SharedData: Sendable {
  /// What it is called where it is missing.
  public let title: String
  /// Where it is below the folder of data.
  public let name: String
  /// Where it comes from.
  public let source: String

  /// The citation graph of 2,708 papers.
  public static let cora = SharedData(
    title: "Cora", name: "cora", source: "https://linqs.org/datasets/#cora")
  /// A million characters of Shakespeare.
  public static let tinyShakespeare = SharedData(
    title: "tinyshakespeare", name: "tinyshakespeare",
    source: "https://github.com/karpathy/char-rnn/tree/master/data/tinyshakespeare")
  /// 70,000 handwritten digits, as four IDX files.
  public static let mnist = SharedData(
    title: "MNIST", name: "mnist", source: "https://ossci-datasets.s3.amazonaws.com/mnist/")

  /// The English ParTUT of Universal Dependencies.
  public static let partut = SharedData(
    title: "ParTUT", name: "ud-partut",
    source: "https://github.com/UniversalDependencies/UD_English-ParTUT")
  /// A survey by state, with the share of positive tests.
  public static let covid = SharedData(
    title: "the COVID-19 survey", name: "covid",
    source: "https://www.kaggle.com/c/ml2021spring-hw1")

  private static let folder: String = {
    if let given = ProcessInfo.processInfo.environment["DLTRAIN_TEST_DATA"] { return given }
    let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    return repository.deletingLastPathComponent().path + "/shared/data"
  }()

  /// Where it should be.
  public var path: String { "\(Self.folder)/\(name)" }
}

extension Trait where Self == ConditionTrait {
  /// Skips the test where the data is missing, and says which and where it comes from.
  public static func needs(_ data: SharedData) -> Self {
    .enabled(
      if: File.exists(data.path),
      "needs \(data.title) in \(data.path), or $DLTRAIN_TEST_DATA/\(data.name): \(data.source)")
  }
}
