import DLConfiguration
import DLCore
import DLLayers

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
  /// The demands of the sections on the run; each stands beside the part that makes it.
  var demands: [Demand] {
    let named = [("optimizer", optimizer)] + optimizers.sorted { $0.key < $1.key }
    return named.flatMap { key, optimizer in
      optimizer.demands(key: key == "optimizer" ? key : "optimizers")
    }
      + schedule.demands + compression.demands + (localSGD?.demands ?? []) + overlap.demands
      + precision.demands + layoutDemands
  }

  /// The conflicts, by their keys.
  func conflicts() -> [ConfigurationProblem] {
    Demand.conflicts(among: demands).map {
      ConfigurationProblem($0.needing.key, $0.precluding.key, message: $0.message)
    }
  }
}

extension ParameterArena {
  /// The demands of the layers.
  var demands: [Demand] {
    modules.lazy.compactMap(\.weightChange).prefix(1).map {
      Demand(key: "model", name: $0, needs: [.wholeGradient])
    }
  }
}
