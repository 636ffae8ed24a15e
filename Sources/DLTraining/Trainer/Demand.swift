import DLCluster
import DLConfiguration
import DLCore
import DLLayers
import DLModels
import DLTensor

/// Something that one part of a job may need of its run, and another may take away.
enum Capability: Hashable {
  /// In every step gradients are summed over all ranks.
  case gradientExchange
  /// Every rank has the whole gradient, and not its share alone.
  case wholeGradient
  /// Gradients are float32.
  case float32Gradients
  /// The bits do not depend on how ranks are laid out over hosts.
  case layoutIndependence
  /// A batch can be gone over several times in a step.
  case repeatedPasses
  /// There is a validation set.
  case validation

  /// The end of a sentence that begins with "needs".
  fileprivate var text: String {
    switch self {
    case .gradientExchange: "the gradient over all ranks in every step"
    case .wholeGradient: "the whole gradient on every rank"
    case .float32Gradients: "float32 gradients"
    case .layoutIndependence: "bits that do not depend on the layout of the hosts"
    case .repeatedPasses: "several passes over a batch"
    case .validation: "a validation"
    }
  }
}

/// The demand of one part of a job on its run, and what it takes away from others.
///
/// Whatever does not go together is found by this alone, with one message: in the configuration
/// where it can be seen there, else once data and model are known.
struct Demand {
  /// The key of the configuration that asks for the part.
  let key: String
  /// The part's name in a message.
  let name: String
  /// The capabilities that it cannot do without.
  var needs: Set<Capability> = []
  /// The capabilities that nobody can have beside it.
  var precludes: Set<Capability> = []
  /// The remedy besides leaving it out.
  var remedy: String?

  /// Two parts of a job that do not go together.
  struct Conflict {
    let needing: Demand
    let precluding: Demand
    let capability: Capability

    /// The fault and what to do, without the key.
    var message: String {
      let advice = (needing.remedy ?? precluding.remedy).map { ", or \($0)" } ?? ""
      return "\(needing.name) needs \(capability.text), which \(precluding.name) takes away; "
        + "leave one of them out\(advice)"
    }
  }

  /// The conflicts among demands: the first reason of each pair.
  static func conflicts(among demands: [Demand]) -> [Conflict] {
    demands.flatMap { needing in
      demands.compactMap { precluding in
        needing.needs.intersection(precluding.precludes).min { "\($0)" < "\($1)" }
          .map { Conflict(needing: needing, precluding: precluding, capability: $0) }
      }
    }
  }

  /// Throws the first conflict.
  static func check(_ demands: [Demand]) throws {
    guard let conflict = conflicts(among: demands).first else { return }
    throw DemandError(description: "\(conflict.needing.key): \(conflict.message)")
  }
}

/// Two parts of a job that do not go together.
struct DemandError: DLError {
  let description: String
  var exitCode: ExitCode { .usage }
}

extension Configuration {
  /// The demands of the sections on the run: a section that needs or precludes something adds its
  /// own here.
  var demands: [Demand] {
    let named = [("optimizer", optimizer)] + optimizers.sorted { $0.key < $1.key }
    return named.flatMap { key, optimizer in
      optimizer.demands(key: key == "optimizer" ? key : "optimizers")
    }
      + schedule.demands + compression.demands
      + [
        localSGD.map { _ in
          Demand(key: "local_sgd", name: "local_sgd", precludes: [.gradientExchange])
        },
        overlap == .on
          ? Demand(key: "overlap", name: "overlap: on", needs: [.gradientExchange]) : nil,
        virtualRanks.map { _ in
          Demand(key: "virtual_ranks", name: "virtual_ranks", needs: [.layoutIndependence])
        },
        precision == .float64
          ? Demand(
            key: "precision", name: "precision: float64", precludes: [.float32Gradients]) : nil,
      ].compactMap(\.self)
  }

  /// The conflicts, by their keys.
  func conflicts() -> [ConfigurationProblem] {
    Demand.conflicts(among: demands).map {
      ConfigurationProblem($0.needing.key, $0.precluding.key, message: $0.message)
    }
  }
}

extension OptimizerConfiguration {
  fileprivate func demands(key: String) -> [Demand] {
    let passes: Set<Capability> = [.gradientExchange, .wholeGradient, .repeatedPasses]
    return [
      sam.map { _ in Demand(key: key, name: "sam", needs: passes) },
      goesByWholeGradient ? Demand(key: key, name: name.rawValue, needs: passes) : nil,
      constraints.isEmpty
        ? nil : Demand(key: key, name: "constraints", needs: [.gradientExchange]),
    ].compactMap(\.self)
  }
}

extension ScheduleConfiguration {
  fileprivate var demands: [Demand] {
    guard goesByValidation else { return [] }
    return [Demand(key: "schedule", name: name.rawValue, needs: [.validation])]
  }
}

extension CompressionConfiguration {
  fileprivate var demands: [Demand] {
    guard codec != nil else { return [] }
    return [
      Demand(
        key: "compression", name: "compression.name: \(name.rawValue)",
        needs: [.gradientExchange, .float32Gradients],
        precludes: [.wholeGradient, .layoutIndependence])
    ]
  }
}

extension TrainingData {
  /// The capabilities that cannot be had of the data.
  var demands: [Demand] {
    guard validation == nil else { return [] }
    return [
      Demand(
        key: "data", name: "a job without a validation set", precludes: [.validation],
        remedy: "give data.validation")
    ]
  }
}

extension TrainingTask {
  /// The capabilities that cannot be had of the task.
  var demands: [Demand] {
    guard carriesState else { return [] }
    return [
      Demand(
        key: "model", name: "a model that carries state from batch to batch",
        precludes: [.repeatedPasses])
    ]
  }
}

extension RunSetup {
  /// The demands of a model whose parameters come from sums over all rows.
  var fittingDemands: [Demand] {
    guard task.model is any FittedBySums else { return [] }
    return [
      Demand(
        key: "model", name: "a model that is fitted by sums",
        needs: [.gradientExchange, .wholeGradient])
    ]
  }
}

extension ParameterArena {
  /// The demands of the layers.
  var demands: [Demand] {
    let isRescaled = modules.contains { ($0 as? Embedding)?.options.maxNorm != nil }
    return isRescaled
      ? [Demand(key: "model", name: "an embedding with max_norm", needs: [.wholeGradient])] : []
  }
}
