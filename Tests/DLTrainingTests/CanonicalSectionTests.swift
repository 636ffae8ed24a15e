import DLConfiguration
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// The canonical text of every rule, schedule, mean and codec, as the first release wrote it.
///
/// `Golden/sections.txt` holds each case: a line `# ` with what the file says, and what that section
/// is written as; the first case is a whole configuration of defaults.
@Suite struct CanonicalSectionTests {
  static let file = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Golden/sections.txt")

  static let cases: [String] =
    [""]
    + [
      "sgd", "adam", "adamw", "nadam", "radam", "lion", "muon", "adagrad", "adadelta", "rmsprop",
      "lars", "lamb", "lbfgs",
    ].map { "optimizer: {name: \($0)}" } + [
      "optimizer: {}",
      "optimizer: {name: sgd, momentum: 0.5, dampening: 0.25, weight_decay: 0.1}",
      "optimizer: {momentum: 0.5, nesterov: true, clip_norm: 1}",
      "optimizer: {name: adam, lr: 1, betas: [0.5, 0.6], eps: 0.001, amsgrad: true}",
      "optimizer: {name: adamw, betas: [0.5, 0.6], weight_decay: 0, momentum: 0}",
      "optimizer: {name: nadam, eps: 0.001, momentum_decay: 0.1, decoupled_weight_decay: true}",
      "optimizer: {name: radam, betas: [0.5, 0.6], decoupled_weight_decay: true}",
      "optimizer: {name: lion, betas: [0.5, 0.6], weight_decay: 0.1}",
      "optimizer: {name: lion, groups: [{match: a, name: adam, lr: 1}]}",
      "optimizer: {name: sgd, groups: [{match: a, name: lion, lr: 1}, {match: b, name: muon, lr: 2}]}",
      "optimizer: {name: adagrad, lr_decay: 0.1, initial_accumulator_value: 0.2, eps: 0.001}",
      "optimizer: {name: adagrad, groups: [{match: a, name: adam, lr: 1, weight_decay: 0.5}]}",
      "optimizer: {name: adadelta, rho: 0.5, eps: 0.001}",
      "optimizer: {name: rmsprop, alpha: 0.5, eps: 0.001, momentum: 0.5, centered: true}",
      "optimizer: {name: lars, momentum: 0.5, trust_coefficient: 0.01, eps: 0.001}",
      "optimizer: {name: lamb, betas: [0.5, 0.6], eps: 0.001, weight_decay: 0.1, clip_value: 2}",
      "optimizer: {name: muon, momentum: 0}",
      "optimizer: {name: muon, nesterov: false, weight_decay: 0.2, ns_steps: 3}",
      "optimizer: {name: muon, adjust_lr_fn: match_rms_adamw, betas: [0.5, 0.6], groups: [{match: norm, name: adamw, lr: 0.5}]}",
      "optimizer: {name: lbfgs, max_iter: 4, max_eval: 9, history_size: 5}",
      "optimizer: {name: lbfgs, tolerance_grad: 0, tolerance_change: 0, line_search_fn: strong_wolfe}",
      "optimizer: {no_decay: [bias, \"*.scale\"], groups: [{match: \"a|b.*\", lr: 0.5}, {match: c, frozen: true}]}",
      "optimizer: {lookahead: {k: 6, alpha: 0.8}, sam: {rho: 0.1}}",
      "optimizers: {generator: {name: adamw}, critic: {name: muon, lr: 0.5}}",
      "schedule: {}",
      "schedule: {name: constant, warmup_epochs: 2}",
      "schedule: {name: step, step_epochs: 2.5, gamma: 0.5}",
      "schedule: {name: step, step_size: 2}",
      "schedule: {name: multi_step, milestones: [3, 5], gamma: 0.5}",
      "schedule: {name: multi_step, milestone_epochs: [1, 2.5]}",
      "schedule: {name: exponential, step_size: 10, gamma: 0.5}",
      "schedule: {name: exponential, step_epochs: 1}",
      "schedule: {name: polynomial}",
      "schedule: {name: polynomial, power: 2, end_factor: 0.1}",
      "schedule: {name: cosine}",
      "schedule: {name: cosine, end_factor: 0.1, warmup_steps: 3}",
      "schedule: {name: cosine_restarts, t_0: 5, t_mult: 2, end_factor: 0.1}",
      "schedule: {name: cosine_restarts, t_0_epochs: 2}",
      "schedule: {name: one_cycle}",
      "schedule: {name: one_cycle, pct_start: 0.5, div_factor: 10, final_div_factor: 100, anneal_strategy: linear}",
      "schedule: {name: inverse_sqrt, warmup_steps: 4}",
      "schedule: {name: reduce_on_plateau}",
      "schedule: {name: reduce_on_plateau, factor: 0.5, patience: 3, cooldown: 2, monitor: metric, threshold: 0.1, threshold_mode: abs, end_factor: 0.1}",
      "average: {}",
      "average: {name: ema, decay: 0.9, every_steps: 3, start_epochs: 1.5}",
      "average: {name: swa}",
      "average: {name: swa, start_steps: 7, lr: 0.01, anneal_epochs: 2}",
      "compression: {}",
      "compression: {name: none}",
      "compression: {name: bf16}",
      "compression: {name: fp16}",
      "compression: {name: top_k}",
      "compression: {name: top_k, ratio: 0.5}",
      "compression: {name: power_sgd}",
      "compression: {name: power_sgd, rank: 8}",
    ]

  private func text(_ section: String) throws -> String {
    try Configuration.load(
      yaml: "data: {train: x}\nmodel: {name: lenet5}\n" + section, folder: "/"
    ).yaml()
  }

  /// The lines of the section that a case gives.
  private func lines(_ section: String) throws -> String {
    let text = try text(section)
    guard let key = section.split(separator: ":").first else { return text }
    let lines = text.split(separator: "\n").drop { !$0.hasPrefix("\(key):") }
    let rest = lines.dropFirst().prefix { $0.hasPrefix(" ") || $0.hasPrefix("-") }
    return (lines.prefix(1) + rest).map { $0 + "\n" }.joined()
  }

  @Test func textsStayAsTheyWere() throws {
    let got = try Self.cases.map { "# \($0)\n\(try lines($0))" }.joined()
    if ProcessInfo.processInfo.environment["DLTRAIN_WRITE_SECTIONS"] != nil {
      try got.write(to: Self.file, atomically: true, encoding: .utf8)
    }
    let want = try String(contentsOf: Self.file, encoding: .utf8)
    for (mine, theirs) in compared(got.split(separator: "# "), want.split(separator: "# ")) {
      #expect(mine == theirs)
    }
    #expect(got == want)
  }

  /// A run goes on with the text that it stored.
  @Test func textsLoadAsTheyAre() throws {
    for section in Self.cases {
      let stored = try text(section)
      #expect(try Configuration.load(yaml: stored).yaml() == stored)
    }
  }
}
