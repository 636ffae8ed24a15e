import DLCluster
import DLCore
import DLFormats
import DLJobs
import DLTensor
import DLTraining

/// A survey of what the processes of a job find on their hosts, and in what they differ from the
/// first one.
///
/// A run needs the same program, kernels, BLAS kernels and MPI on every host; ``Handshake`` refuses a
/// run where they differ, and a survey says so beforehand.
package struct HostSurvey {
  /// The findings of one process.
  package struct Finding: Equatable {
    /// The name of its host.
    let host: String
    /// The facts that must be the same everywhere, in a fixed order.
    let traits: [String: String]
    /// The things that are wrong or slow there.
    let advice: [String]

    /// Makes a finding.
    package init(host: String, traits: [String: String], advice: [String]) {
      self.host = host
      self.traits = traits
      self.advice = advice
    }
  }

  /// The hosts in the order of their ranks, each with its ranks.
  package let hosts: String
  /// The faults beyond those that the first process found, each with its place.
  package let advice: [String]

  /// Compares findings, one a rank.
  package init(_ findings: [Finding]) {
    var names: [String] = []
    var ranks: [String: [Int]] = [:]
    for (rank, finding) in findings.enumerated() {
      if ranks[finding.host] == nil { names.append(finding.host) }
      ranks[finding.host, default: []].append(rank)
    }
    hosts = names.map { "\($0) (\(StallReport.list(ranks[$0] ?? [])))" }.joined(separator: ", ")

    guard let first = findings.first else {
      advice = []
      return
    }
    var lines: [String] = []
    for trait in first.traits.keys.sorted() {
      for value in Set(findings.compactMap { $0.traits[trait] }).sorted() {
        guard let expected = first.traits[trait], value != expected else { continue }
        let others = findings.indices.filter { findings[$0].traits[trait] == value }
        let places = names.filter { name in others.contains { findings[$0].host == name } }
        lines.append(
          "\(places.joined(separator: ", ")) (\(StallReport.list(others))): \(trait) is \(value), that of "
            + "rank 0 on \(first.host) is \(expected): make them the same")
      }
    }
    for name in names {
      let own = findings.filter { $0.host == name }.flatMap(\.advice)
      for (index, line) in own.enumerated()
      where !first.advice.contains(line) && !own[..<index].contains(line) {
        lines.append("\(name): \(line)")
      }
    }
    advice = lines
  }
}

extension HostSurvey.Finding {
  /// Makes the findings of this process.
  init(_ report: SystemReport) {
    let traits = [
      "the program's file": FileDigest.program, "the version": Version.current,
      "the arithmetic": Engine.native.fingerprint,
      "the loaded MPI": MPIRuntime.loadedVersion,
    ]
    self.init(host: hostName(), traits: traits, advice: report.advice)
  }

  /// Reads what another process sent.
  ///
  /// - Throws: `FormatError` where the text is not what ``json`` gives.
  package init(parsing text: String) throws {
    let json = try JSON(parsing: text, file: "host survey")
    self.init(
      host: json["host"]?.string ?? "",
      traits: Dictionary(
        (json["traits"]?.members ?? []).map { ($0.key, $0.value.string ?? "") },
        uniquingKeysWith: { first, _ in first }),
      advice: (json["advice"]?.array ?? []).compactMap(\.string))
  }

  /// The finding as sent to the other processes.
  package var json: JSON {
    .object([
      .init("host", .string(host)),
      .init("traits", .object(traits.map { .init($0.key, .string($0.value)) })),
      .init("advice", .array(advice.map { .string($0) })),
    ])
  }
}

extension World {
  /// Looks at the machine of every process and compares them; called on all processes, the same
  /// everywhere but for what the process's own machine has.
  ///
  /// - Throws: what agreeing and sending throw.
  package func systemReport() throws -> SystemReport {
    let report = try agreed("look at the machine") { SystemReport() }
    guard processCount > 1 else { return report }
    let own = "\(HostSurvey.Finding(report).json)"
    let texts = try (0..<processCount).map { try processes.broadcast(own, root: $0) }
    let survey = try HostSurvey(texts.map { try HostSurvey.Finding(parsing: $0) })
    return SystemReport(
      facts: report.facts + [("hosts", survey.hosts)], advice: report.advice + survey.advice)
  }
}
