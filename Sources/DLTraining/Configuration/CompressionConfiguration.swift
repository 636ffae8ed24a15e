import DLCluster
import DLConfiguration

/// How gradients are compressed between hosts, or between processes that share no memory.
///
/// ``CodecRegistry`` lists the codecs with their own options.
public struct CompressionConfiguration: NamedChoiceSection {
  /// The name of a codec.
  public typealias Name = ChoiceName<Self>

  /// The codec.
  public var name = Name(NoCodecSpec.self)
  /// The options of the codec that were given.
  public var options = ChosenOptions()

  /// Makes the section with its defaults.
  public init() {}

  /// Chooses a codec with its default options.
  public init(name: Name) { self.name = name }

  /// The codecs that can be named.
  public static var optionTypes: [any ConfigurationOption.Type] { CodecRegistry.all.map { $0 } }

  /// The keys that go with every codec.
  public static var sharedFields: [ConfigurationField<Self>] {
    [.init("name", \.name, "none, or what halves or thins out gradients between hosts")]
  }

  /// The keys that are written under every name.
  public static var writtenKeys: [String] { ["name", "ratio", "rank"] }

  /// Makes what encodes the gradients; nil for nothing.
  public var codec: (any GradientCodec)? { (chosenOption as? any CodecSpec)?.makeCodec() }

  /// What else of a job does not go with a codec.
  func problems(in job: Configuration) -> [ConfigurationProblem] {
    guard codec != nil else { return [] }
    var problems: [ConfigurationProblem] = []
    if job.precision != .float32 {
      problems.append(.init("compression", "precision", message: "takes float32 gradients only"))
    }
    if job.virtualRanks != nil {
      let message =
        "the bits would depend on the layout of the hosts, which virtual_ranks is to prevent"
      problems.append(.init("compression", "virtual_ranks", message: message))
    }
    let optimizers =
      [("optimizer", job.optimizer)]
      + job.optimizers.sorted { $0.key < $1.key }.map { ("optimizers.\($0)", $1) }
    for (key, optimizer) in optimizers where optimizer.sam != nil || optimizer.lbfgs != nil {
      let message =
        "every rank needs the whole gradient for \(optimizer.sam == nil ? "lbfgs" : "sam")"
      problems.append(.init("compression", key, message: message))
    }
    return problems
  }
}
