import DLCluster
import DLConfiguration
import DLFormats
import DLLayers
import DLOptimizers
import DLTensor

/// The compression of gradients between hosts (`compression:`), and the errors that senders keep for
/// their next step.
///
/// A checkpoint holds the errors of all ranks, so that a run goes on with the same bits at the same
/// layout of hosts; at another one they are left out.
final class GradientCompression: TrainerPart {
  private let run: TrainingRun
  /// A note of what the kept errors are a state of; nil where nothing is compressed.
  private let layout: String?
  private var arena: ShardedReducer? { run.arena.exchange as? ShardedReducer }

  private init(_ run: TrainingRun) throws {
    self.run = run
    guard let codec = run.configuration.compression.codec else {
      layout = nil
      return
    }
    let shards = run.optimizers.map(\.shards).sorted {
      $0.elements.lowerBound < $1.elements.lowerBound
    }
    try run.communicator.agreed("set the compression up") {
      guard !zip(shards, shards.dropFirst()).contains(where: { $0.elements.overlaps($1.elements) })
      else {
        throw TensorError(
          op: "compression",
          "several phases train the same parameters, which would be kept errors of twice; "
            + "leave compression out")
      }
    }
    let arena = run.arena.exchange as? ShardedReducer
    layout = try arena?.compress(
      by: codec, blocks: shards.flatMap(\.blocks).map(run.arena.compressedBlock),
      cuts: shards.flatMap { $0.buckets.map(\.bounds) })
    if layout == nil {
      run.warn(
        "compression.name: \(run.configuration.compression.name.rawValue) has nothing to do, all "
          + "ranks share memory")
    }
  }

  static func make(for run: TrainingRun) throws -> GradientCompression? {
    try GradientCompression(run)
  }

  /// The first part of the name of every array of kept errors in a checkpoint.
  static let prefix = "compression."
  static var tensorPrefix: String? { prefix }

  private static let key = "compression"

  var notes: [String: String] { layout.map { [GradientCompression.key: $0] } ?? [:] }

  /// The errors that all ranks keep, on rank 0.
  func gather() throws -> [StateDict.Entry] {
    guard layout != nil, let arena else { return [] }
    return try (0..<arena.errorArrays).map { array in
      let all = try run.communicator.agreed("make room for the errors of the compression") {
        try ArenaVector(
          count: run.communicator.rank == 0 ? arena.errorCount : 0, dtype: .float32)
      }
      try arena.gatherErrors(array: array) { values, offset in
        guard let base = values.baseAddress else { return }
        (all.pointer + 4 * offset).copyMemory(from: base, byteCount: 4 * values.count)
      }
      return StateDict.Entry(
        name: GradientCompression.name(array), fileShape: [all.count], layout: .plain,
        tensor: Tensor(
          borrowing: all.pointer, shape: Shape([all.count]), dtype: .float32, owner: all,
          context: run.context))
    }
  }

  private static func name(_ array: Int) -> String { "\(prefix)errors.\(array)" }

  /// Takes up this rank's errors from a checkpoint of the same codec and layout.
  func restore(from file: SafetensorsFile) throws {
    let saved = file.metadata[GradientCompression.key]
    guard let layout, let arena, saved == layout else {
      if let saved {
        run.warn("the checkpoint's errors of compression \(saved) are left out")
      }
      return
    }
    try arena.restoreErrors { array, offset, buffer in
      let info = try file.info(GradientCompression.name(array))
      guard info.shape == [arena.errorCount], info.dtype == .float32 else {
        throw CheckpointError.ofOtherJob(
          file.path, "has \(info.name) of shape \(info.shape)")
      }
      try file.read(
        info, rows: offset..<offset + buffer.count, into: UnsafeMutableRawBufferPointer(buffer))
    }
  }
}

extension ParameterArena {
  /// A block of a tensor, with the rows that its tensor has in memory.
  fileprivate func compressedBlock(_ range: Range<Int>) -> GradientBlock {
    guard let index = offsets.lastIndex(where: { $0 <= range.lowerBound }),
      let columns = parameters[index].shape.dimensions.last, columns > 0
    else { return GradientBlock(range) }
    return GradientBlock(
      range, columns: columns, start: (range.lowerBound - offsets[index]) % columns)
  }
}

extension CompressionConfiguration {
  var demands: [Demand] {
    guard codec != nil else { return [] }
    return [
      Demand(
        key: "compression", name: "compression.name: \(name.rawValue)",
        needs: [.gradientExchange, .float32Gradients],
        precludes: [.wholeGradient, .layoutIndependence])
    ]
  }
}

/// The compression of gradients between hosts, or between processes that share no memory.
///
/// ``CodecRegistry`` lists the codecs with their own options.
package struct CompressionConfiguration: NamedChoiceSection {
  /// The name of a codec.
  package typealias Name = ChoiceName<Self>

  /// The codec.
  package var name = Name(NoCodecSpec.self)
  /// The options of the codec that were given.
  package var options = ChosenOptions()

  package init() {}

  /// Chooses a codec with its default options.
  package init(name: Name) { self.name = name }

  /// The codecs that can be named.
  package static var optionTypes: [any ConfigurationOption.Type] { CodecRegistry.all.map { $0 } }

  /// The keys that go with every codec.
  package static var sharedFields: [ConfigurationField<Self>] {
    [.init("name", \.name, "none, or what halves or thins out gradients between hosts")]
  }

  /// The keys that are written under every name.
  package static var writtenKeys: [String] { ["name", "ratio", "rank"] }

  /// Makes what encodes the gradients; nil for nothing.
  package var codec: (any GradientCodec)? { (chosenOption as? any CodecSpec)?.makeCodec() }
}
