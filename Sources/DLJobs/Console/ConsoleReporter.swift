import DLCluster
import DLCore
import DLTensor
import DLTraining

/// Shows a run on standard output: a header, a line per epoch, and what it came to at the end.
///
/// On a terminal a line within the epoch is kept up to date, and no line is wider than it; elsewhere a
/// plain line is added every ten seconds.
package final class ConsoleReporter: TrainingObserver {
  private let layout: String
  private let isLive: Bool
  private let program: String
  private(set) var plan: RunPlan?
  private var columns: StepColumns?
  private var shownColumns: Set<Int> = []
  private var began = 0.0
  private var shown = 0.0
  private var epoch = EpochSums()
  private var whole = StepSums()
  private var pending: StepReport?
  private(set) var last: StepReport?
  private var isLineOpen = false

  /// Makes a reporter.
  ///
  /// - Parameters:
  ///   - layout: how the ranks are laid out, from ``RankLayout/text(ranks:)``.
  ///   - isLive: whether to keep a line within the epoch up to date, by carriage returns.
  ///   - program: what evaluates the run.
  package init(layout: String, isLive: Bool, program: String = "dltrain") {
    self.layout = layout
    self.program = program
    self.isLive = isLive
  }

  /// Prints the header.
  package func willTrain(_ plan: RunPlan) {
    self.plan = plan
    began = monotonicSeconds()
    shown = began
    let width = Terminal.width
    let columns = StepColumns(plan)
    self.columns = columns
    shownColumns = columns.shown(width)
    let epochs = Format.significant(Double(plan.totalSteps) / Double(max(plan.stepsPerEpoch, 1)), 4)
    let views = plan.repeats > 1 ? " (\(plan.repeats) views of each)" : ""
    let start = plan.startStep > 0 ? ", going on from step \(plan.startStep)" : ""
    let header = """
      \(plan.name): \(Format.count(plan.parameters, "parameter")), \(layout), \(plan.precision), \(Engine.current.name)
      \(Format.count(plan.rows, "row"))\(views), batch \(plan.batchSize), \
      \(epochs) \(epochs == "1" ? "epoch" : "epochs"), \
      \(counted(plan.totalSteps, "step"))\(start)\(plan.folder.isEmpty ? "" : ", run folder \(plan.folder)")\(plan.overlap.map { "\n" + $0 } ?? "")\
      \(plan.precision == "bfloat16" ? "\n" + CPU.bfloat16 : "")
      """
    let legend = columns.legend(width).map { $0 + "\n" } ?? ""
    Terminal.out(
      Format.wrapped(header, width, indent: "  ") + "\n" + legend + "\n" + columns.heading(width)
        + "\n")
  }

  /// Counts the step, and shows it where it is time to.
  package func didStep(_ report: StepReport) {
    flush()
    guard let plan else { return }
    last = report
    epoch.add(report)
    whole.add(report.times)
    if report.step % max(plan.stepsPerEpoch, 1) == 0 || report.step == plan.totalSteps {
      pending = report
      return
    }
    let now = monotonicSeconds()
    guard now - shown > (isLive ? 0.2 : 10) else { return }
    shown = now
    show(report, nil, closed: !isLive)
  }

  /// Prints the epoch, or the validation within it.
  package func didValidate(_ report: ValidationReport) {
    if let step = pending {
      pending = nil
      finish(step, report)
    } else {
      closeLine()
      print(["", "\(report.step)", "", lossText(report.loss)] + cells(report))
    }
  }

  /// Prints what the run came to.
  package func didTrain(_ report: RunReport) {
    flush()
    closeLine()
    var rows: [[String]] = []
    func add(_ name: String, _ value: String) { rows.append([name, value]) }
    if let last = report.validation {
      for metric in last.metrics + [last.lossMetric] {
        guard let number = metric.value else { continue }
        var value = text(metric, number)
        if let best = report.best, metric.name == report.monitor {
          value += ", best \(text(metric, best.value)) at step \(best.step)"
        }
        add("validation " + metric.title, value)
      }
    }
    if let plan, plan.startStep >= report.totalSteps {
      add(
        "nothing to do", "the run had ended at step \(report.step); raise epochs or steps to go on")
    } else if let plan, report.end.reason == .earlyStop, plan.startStep == report.step {
      add("nothing to do", "the run had ended \(report.end.message)")
    } else if let plan, report.isInterrupted, report.hasReachedStop, plan.startStep == report.step {
      add(
        "nothing to do",
        "the run was at step \(report.step) already; raise \(OptionName.stopAt) to go on")
    }
    if let loss = report.loss { add("training loss", Format.fixed(loss, 4) + " in the last step") }
    add(
      "time",
      Format.duration(report.seconds) + ", \(Format.grouped(report.samplesPerSecond)) samples/s, "
        + layout)
    if whole.times.total > 0 {
      let hidden = plan?.gathersStatistics == true ? nil : "sync_bn"
      add("step time", whole.text(ranks: report.ranks, without: hidden))
    }
    let steps = report.step - (plan?.startStep ?? 0)
    if report.traffic.plainGradients > 0, steps > 0 {
      add("sent between hosts", report.traffic.text(steps: steps))
    }
    if report.end.reason == .earlyStop { add(report.end.reason.title, report.end.message) }
    if let checkpoint = report.checkpoint { add("checkpoint", checkpoint) }
    if !report.folder.isEmpty {
      add("metrics", report.folder + "/metrics.jsonl")
      if report.isInterrupted {
        add(report.end.reason.title, report.end.message)
        add(
          "go on with",
          "the same command and \(OptionName.resume) auto \(OptionName.out) \(report.folder)")
      } else {
        let data = plan?.isValidated == false ? " \(OptionName.data) FILE" : ""
        add("evaluate", "\(program) evaluate \(report.folder)\(data)")
      }
    }
    Terminal.out("\n" + Format.table(rows, columns: Terminal.width) + "\n")
    if let profile = report.profile, !profile.isEmpty {
      let table = ProfileTable(profile, whole.times, steps: steps)
      Terminal.out("\n" + table.text(columns: Terminal.width) + "\n")
    }
  }

  /// Prints an epoch that no validation followed.
  func flush() {
    guard let step = pending else { return }
    pending = nil
    finish(step, nil)
  }

  private func finish(_ step: StepReport, _ validation: ValidationReport?) {
    show(step, validation, closed: true)
    epoch = EpochSums()
    shown = monotonicSeconds()
  }

  private func show(_ step: StepReport, _ validation: ValidationReport?, closed: Bool) {
    guard let plan else { return }
    let elapsed = monotonicSeconds() - began
    let left =
      elapsed / Double(max(step.step - plan.startStep, 1)) * Double(plan.totalSteps - step.step)
    let cells =
      [
        plan.place(of: step.step), "\(step.step)", lossText(epoch.loss),
        validation.map { lossText($0.loss) } ?? "",
      ] + (validation.map(cells) ?? [String](repeating: "", count: 1 + plan.metrics.count)) + [
        Format.significant(step.learningRate, 3), Format.grouped(epoch.rowsPerSecond),
      ] + epoch.shares(columns?.parts ?? []) + [Format.clock(left)]
    print(cells, closed: closed)
  }

  /// Prints a line of the table, with the titles again where the window has become another.
  private func print(_ cells: [String], closed: Bool = true) {
    guard let columns else { return }
    let width = Terminal.width
    var text = columns.line(cells, width)
    let shown = columns.shown(width)
    if shown != shownColumns {
      shownColumns = shown
      text = columns.heading(width) + "\n" + text
    }
    Terminal.out((isLive ? "\r\u{1b}[K" : "") + text + (closed ? "\n" : ""))
    isLineOpen = !closed
  }

  func closeLine() {
    if isLineOpen { Terminal.out("\r\u{1b}[K") }
    isLineOpen = false
  }

  /// The cells beside a validation's loss: the task's own metric, and the numbers named besides.
  private func cells(_ report: ValidationReport) -> [String] {
    let own = report.defaults.first.flatMap { metric in metric.value.map { text(metric, $0) } }
    return [own ?? "-"]
      + report.named.compactMap { metric in metric.value.map { text(metric, $0) } }
  }

  private func text(_ metric: MetricResult, _ value: Double) -> String {
    if case .share = metric.content { Format.percent(value, 2) } else { lossText(value) }
  }

  private func lossText(_ value: Double) -> String {
    Format.fitting(value, 4, width: columns?.figureWidth ?? 8)
  }
}

/// Sums over the steps of an epoch so far.
private struct EpochSums {
  var lossSum = 0.0
  var rows = 0
  var times = StepTimes()

  var loss: Double { rows > 0 ? lossSum / Double(rows) : .nan }
  var rowsPerSecond: Double { times.total > 0 ? Double(rows) / times.total : 0 }

  /// The share of the time that went into some of its parts; the rest is computing.
  func shares(_ parts: [StepTimes.Part]) -> [String] {
    parts.map {
      times.total > 0 ? Format.percent(times[keyPath: $0.seconds] / times.total, 0) : ""
    }
  }

  mutating func add(_ step: StepReport) {
    lossSum += step.loss * Double(step.rows)
    rows += step.rows
    times.add(step.times)
  }
}

/// The parts of the time of all steps.
private struct StepSums {
  var times = StepTimes()
  private var steps = 0
  private var slowest: [Int: Int] = [:]

  mutating func add(_ step: StepTimes) {
    times.add(step)
    steps += 1
    slowest[step.slowestRank, default: 0] += 1
  }

  /// The shares of all parts but one, and the rank that was slowest most often.
  func text(ranks: Int, without hidden: String?) -> String {
    let parts = StepTimes.parts.filter { $0.name != hidden }.map {
      "\($0.title) \(Format.percent(times[keyPath: $0.seconds] / times.total, 1))"
    }.joined(separator: ", ")
    guard ranks > 1, let most = slowest.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) else {
      return parts
    }
    let share = Format.percent(Double(most.value) / Double(steps), 0)
    return parts + "; rank \(most.key) slowest in \(share) of the steps"
  }
}

extension CommunicationVolume {
  /// A line on what steps have sent, as in `gradients 1.2 MB (2.4 MB uncompressed), ...`.
  func text(steps: Int) -> String {
    "gradients \(Format.bytes(gradients)), \(Format.bytes(gradients / steps)) a step (uncompressed "
      + "\(Format.bytes(plainGradients)), \(Format.bytes(plainGradients / steps))), parameters "
      + Format.bytes(parameters)
  }
}
