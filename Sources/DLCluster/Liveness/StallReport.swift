/// A job in which no rank goes on: who is waited for, and where everybody is.
package struct StallReport: Sendable {
  /// The state that each rank showed last.
  package let states: [RankState]
  /// Ranks that have come to fewer calls than others, which wait for them.
  package let missing: [Int]

  /// Looks at the ranks' states.
  package init(_ states: [RankState]) {
    self.states = states
    let most = states.map(\.arrivals).max() ?? 0
    missing = states.indices.filter { states[$0].arrivals < most }
  }

  /// The ranks that did not arrive, with their places, and those that wait, with what they wait in.
  ///
  /// - Parameter place: what is known of a rank's process, as in `process 7 on node2`; may be empty.
  package func text(place: (Int) -> String = { _ in "" }) -> String {
    let waiting = states.indices.filter { !missing.contains($0) }
    guard !missing.isEmpty else {
      return "no rank is ahead of the others: \(shown(grouped(waiting).map(\.text)))"
    }
    let late = grouped(missing).map { group in
      let known = group.ranks.prefix(2).map(place).filter { !$0.isEmpty }
      let processes = known.isEmpty ? "" : " (\(known.joined(separator: ", ")))"
      return "\(StallReport.list(group.ranks))\(processes) in \(group.place)"
    }
    return "waited for: \(shown(late)); waiting: \(shown(grouped(waiting).map(\.text)))"
  }

  private struct Group {
    let place: String
    var ranks: [Int]

    var text: String { "\(StallReport.list(ranks)) in \(place)" }
  }

  private func shown(_ parts: [String]) -> String {
    let rest = parts.count - 4
    return parts.prefix(4).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
  }

  private func grouped(_ ranks: [Int]) -> [Group] {
    var groups: [Group] = []
    for rank in ranks {
      let place = states[rank].text
      if let index = groups.firstIndex(where: { $0.place == place }) {
        groups[index].ranks.append(rank)
      } else {
        groups.append(Group(place: place, ranks: [rank]))
      }
    }
    return groups
  }

  /// Ranks in words: `rank 3`, `ranks 0 to 2 and 5`.
  package static func list(_ ranks: [Int]) -> String {
    var runs: [ClosedRange<Int>] = []
    for rank in ranks {
      if let last = runs.last, last.upperBound + 1 == rank {
        runs[runs.count - 1] = last.lowerBound...rank
      } else {
        runs.append(rank...rank)
      }
    }
    let parts = runs.flatMap { run in
      run.count > 2 ? ["\(run.lowerBound) to \(run.upperBound)"] : run.map(String.init)
    }
    guard let last = parts.last, parts.count > 1 else {
      return (ranks.count == 1 ? "rank " : "ranks ") + (parts.first ?? "")
    }
    return "ranks " + parts.dropLast().joined(separator: ", ") + " and " + last
  }
}

extension RankState {
  /// The rank's place: `the backward pass of step 3`, `an agreement of step 3 (allgather)`.
  package var text: String {
    let name =
      switch activity {
      case .dataWait, .loading: "the loading of rows"
      case .forward: "the forward pass"
      case .backward: "the backward pass"
      case .syncBatchNorm: "a layer's exchange"
      case .agreement: "an agreement"
      case .reduction: "the sum of the gradients"
      case .optimizer: "the update"
      case .validation: "the validation"
      case .checkpoint: "the saving of a checkpoint"
      case .step: "the step's beginning"
      case .other, .allreduce, .allgather, .broadcast, .barrier, .split:
        step == 0 ? "the start" : "the end of the step"
      }
    return name + (step == 0 ? "" : ", step \(step)") + (call == .other ? "" : " (\(call.name))")
  }
}
