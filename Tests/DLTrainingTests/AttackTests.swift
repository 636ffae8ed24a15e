import DLCluster
import DLInference
import DLTestSupport
import DLTraining
import Testing

/// Attacks on a trained run, beside what PyTorch's comparison sees of single batches.
@Suite struct AttackTests {
  private func report(_ bench: Workbench, _ request: AttackRequest, ranks: Int = 1) throws
    -> AttackReport
  {
    let run = try LoadedRun(bench.path + "/run")
    return try ThreadGroup.run(ranks: ranks) { communicator in
      try AttackReport(run, request, communicator: communicator)
    }[0]
  }

  private func trained() throws -> Workbench {
    let bench = try Workbench()
    try train(bench.configuration(["steps=30"]), bench.options("run"))
    return bench
  }

  /// Each attack has the same figures, row by row, at 1, 2 and 4 ranks.
  @Test func ranksFindTheSame() throws {
    let bench = try trained()
    for type in nonEmpty(Attacks.all) {
      var request = AttackRequest(type, norm: type.norms[0])
      request.options.steps = min(type.defaultSteps, 4)
      (request.options.population, request.options.searchSteps) = (8, 2)
      request.epsilons = [0.02, 0.1]
      let one = try report(bench, request)
      for ranks in [2, 4] {
        let others = try report(bench, request, ranks: ranks)
        #expect(others.csv == one.csv, "\(type.word) on \(ranks) ranks")
        #expect(others.predictions == one.predictions)
        let (sheet, wanted) = (try others.sheet(), try one.sheet())
        #expect(sheet == wanted)
      }
      #expect(one.rows == 23 && one.eligible == one.rightBefore && one.eligible > 5)
    }
  }

  /// Changes stay within their size and the range of bytes, and larger ones do no less harm.
  @Test(arguments: AttackNorm.allCases)
  func changesAreBounded(norm: AttackNorm) throws {
    let bench = try trained()
    var request = AttackRequest(ProjectedGradient.self, norm: norm)
    request.epsilons = norm == .linf ? [0.01, 0.1, 0.4] : [0.1, 1, 6]
    let found = try report(bench, request)
    for (level, epsilon) in compared(found.levels, request.epsilons) where level.successes > 0 {
      let size = norm == .linf ? level.meanLinf : level.meanL2
      #expect(size <= epsilon * (1 + 1e-9))
    }
    let rates = found.levels.map(\.successes)
    #expect(rates[2] > rates[0] && rates[2] == found.eligible)
    for picture in nonEmpty(found.pictures) {
      #expect(picture.changed.allSatisfy { $0 >= 0 && $0 <= 1 })
      #expect(picture.before == picture.label && picture.after != picture.label)
    }
  }

  @Test func onePixelChangesOne() throws {
    let bench = try trained()
    var request = AttackRequest(OnePixel.self, norm: .linf)
    (request.options.steps, request.options.population) = (15, 30)
    let found = try report(bench, request)
    for picture in found.pictures {
      // Two channels a pixel.
      let changed = zipped(picture.original, picture.changed).enumerated()
        .filter { abs($0.element.0 - $0.element.1) > 1e-9 }.map { $0.offset / 2 }
      #expect(Set(changed).count <= 1)
    }
  }

  @Test func targetsAreReached() throws {
    let bench = try trained()
    var request = AttackRequest(ProjectedGradient.self, norm: .linf)
    (request.target, request.epsilons) = ("2", [0.5])
    let found = try report(bench, request)
    #expect(found.levels[0].successes > 0 && found.target == 2)
    #expect(found.pictures.allSatisfy { $0.after == 2 && $0.label != 2 })
    request.target = "9"
    let message = refusal { _ = try report(bench, request) }
    #expect(message == "target 9: no such class; give 0 to 4")
  }
}
