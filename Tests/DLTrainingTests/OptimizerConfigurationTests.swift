import DLConfiguration
import DLOptimizers
import DLTraining
import Testing

private let base = "data: {train: x}\nmodel: {name: lenet5}\n"

private func load(_ text: String) throws -> Configuration {
  try Configuration.load(yaml: base + text)
}

/// Every option of every rule and schedule, with values that are not the defaults.
private let everything: [String] = [
  "optimizer: {name: sgd, momentum: 0.5, dampening: 0.25, weight_decay: 0.1}",
  "optimizer: {name: adam, betas: [0.5, 0.6], eps: 0.001, weight_decay: 0.1, amsgrad: true}",
  "optimizer: {name: adamw, betas: [0.5, 0.6], eps: 0.001, weight_decay: 0.1, amsgrad: true}",
  "optimizer: {name: nadam, betas: [0.5, 0.6], eps: 0.001, momentum_decay: 0.1, decoupled_weight_decay: true}",
  "optimizer: {name: radam, betas: [0.5, 0.6], eps: 0.001, decoupled_weight_decay: true}",
  "optimizer: {name: lion, betas: [0.5, 0.6], weight_decay: 0.1}",
  "optimizer: {name: adagrad, lr_decay: 0.1, initial_accumulator_value: 0.2, eps: 0.001}",
  "optimizer: {name: adadelta, rho: 0.5, eps: 0.001}",
  "optimizer: {name: rmsprop, alpha: 0.5, eps: 0.001, momentum: 0.5, centered: true}",
  "schedule: {name: multi_step, milestones: [3, 5], gamma: 0.5}",
  "schedule: {name: multi_step, milestone_epochs: [1, 2.5]}",
  "schedule: {name: exponential, step_size: 10, gamma: 0.5}",
  "schedule: {name: exponential, step_epochs: 1}",
  "schedule: {name: polynomial, power: 2, end_factor: 0.1}",
  "schedule: {name: cosine, end_factor: 0.1, warmup_steps: 3}",
  "schedule: {name: cosine_restarts, t_0: 5, t_mult: 2, end_factor: 0.1}",
  "schedule: {name: cosine_restarts, t_0_epochs: 2}",
  "schedule: {name: one_cycle, pct_start: 0.5, div_factor: 10, final_div_factor: 100}",
  "schedule: {name: inverse_sqrt, warmup_steps: 4}",
  "schedule: {name: reduce_on_plateau, factor: 0.5, patience: 3, cooldown: 2, monitor: metric, threshold: 0.1, threshold_mode: abs, end_factor: 0.1}",
]

/// What wraps a step, with values that are not the defaults.
private let wrappers: [String] = [
  "optimizer: {name: lars, momentum: 0.5, weight_decay: 0.1, trust_coefficient: 0.01, eps: 0.001}",
  "optimizer: {name: lamb, betas: [0.5, 0.6], eps: 0.001, weight_decay: 0.1, clip_value: 2}",
  "optimizer: {name: muon, momentum: 0.5, nesterov: false, weight_decay: 0.2, ns_steps: 3, adjust_lr_fn: match_rms_adamw, betas: [0.5, 0.6], groups: [{match: norm, name: adamw, lr: 0.5}]}",
  "optimizer: {name: lbfgs, max_iter: 4, max_eval: 9, history_size: 5, line_search_fn: strong_wolfe}",
  "optimizer: {name: newton, damping: 0.1, max_iter: 7, tolerance_grad: 0, tolerance_residual: 0.01}",
  "optimizer: {constraints: [{match: a, max_norm: 2}, {match: b, sum: 1, by: penalty, weight: 3}, {match: c, nonnegative: true, by: multipliers, every: 5}]}",
  "optimizer: {no_decay: [bias, \"*.scale\"], groups: [{match: \"a|b.*\", lr: 0.5}, {match: c, frozen: true}]}",
  "optimizer: {lookahead: {k: 6, alpha: 0.8}, sam: {rho: 0.1}}",
  "average: {name: ema, decay: 0.9, every_steps: 3, start_epochs: 1.5}",
  "average: {name: swa, start_steps: 7, lr: 0.01, anneal_epochs: 2}",
]

@Suite struct OptimizerConfigurationTests {
  @Test func eachRuleHasPyTorchsDefaults() throws {
    let rates = [
      "sgd": 0.01, "adam": 0.001, "adamw": 0.001, "nadam": 0.002, "radam": 0.001, "lion": 0.0001,
      "adagrad": 0.01, "adadelta": 1, "rmsprop": 0.01, "lars": 0.1, "lamb": 0.001, "lbfgs": 1,
      "newton": 1,
      "muon": 0.001,
    ]
    let decays = ["adamw": 0.01, "lamb": 0.01, "muon": 0.1]
    let momenta = ["lars": 0.9, "muon": 0.95]
    for (name, rate) in rates {
      let optimizer = try load("optimizer: {name: \(name)}").optimizer
      #expect(optimizer.name.rawValue == name && optimizer.lr == rate)
      let eps = ["adagrad": 1e-10, "adadelta": 1e-6, "lamb": 1e-6][name] ?? 1e-8
      #expect(optimizer["eps"] == eps)
      #expect(optimizer["betas"] == (name == "lion" ? [0.9, 0.99] : [0.9, 0.999]))
      #expect(optimizer.weightDecay == decays[name] ?? 0)
      #expect(optimizer["momentum"] == momenta[name] ?? 0)
      #expect(optimizer["nesterov"] == (name == "muon"))
      #expect(try load("optimizer: {name: \(name), lr: 3}").optimizer.lr == 3)
    }
    #expect(OptimizerConfiguration.Name.known.prefix(rates.count).sorted() == rates.keys.sorted())
  }

  @Test(arguments: everything + wrappers)
  func roundTrips(_ text: String) throws {
    let job = try load(text)
    let again = try Configuration.load(yaml: job.yaml())
    #expect(again == job)
    #expect(again.yaml() == job.yaml())
  }

  @Test func optionsReachTheirRules() throws {
    func rule<Rule: Optimizer>(_ index: Int, _: Rule.Type) throws -> Rule {
      try #require(try load(everything[index]).optimizer.makeOptimizer() as? Rule)
    }
    let sgd = try rule(0, SGD.self)
    #expect(sgd.momentum == 0.5 && sgd.dampening == 0.25 && sgd.weightDecay == 0.1)
    let adam = try rule(1, Adam.self)
    #expect(
      adam.moments.beta1 == 0.5 && adam.moments.beta2 == 0.6 && adam.moments.epsilon == 0.001
        && adam.moments.amsgrad)
    #expect(adam.weightDecay == 0.1)
    let adamw = try rule(2, Adam.self)
    #expect(
      adamw.moments.beta1 == 0.5 && adamw.moments.beta2 == 0.6 && adamw.moments.epsilon == 0.001
        && adamw.moments.amsgrad && adamw.decoupledWeightDecay)
    #expect(adamw.weightDecay == 0.1)
    let nadam = try rule(3, NAdam.self)
    #expect(
      nadam.moments.beta1 == 0.5 && nadam.moments.beta2 == 0.6 && nadam.moments.epsilon == 0.001)
    #expect(nadam.momentumDecay == 0.1 && nadam.decoupledWeightDecay)
    let radam = try rule(4, RAdam.self)
    #expect(
      radam.moments.beta1 == 0.5 && radam.moments.beta2 == 0.6 && radam.moments.epsilon == 0.001)
    #expect(radam.decoupledWeightDecay)
    let lion = try rule(5, Lion.self)
    #expect(lion.beta1 == 0.5 && lion.beta2 == 0.6 && lion.weightDecay == 0.1)
    let adagrad = try rule(6, Adagrad.self)
    #expect(adagrad.learningRateDecay == 0.1 && adagrad.initialAccumulatorValue == 0.2)
    #expect(adagrad.epsilon == 0.001)
    let adadelta = try rule(7, Adadelta.self)
    #expect(adadelta.rho == 0.5 && adadelta.epsilon == 0.001)
    let rmsprop = try rule(8, RMSProp.self)
    #expect(rmsprop.alpha == 0.5 && rmsprop.epsilon == 0.001 && rmsprop.momentum == 0.5)
    #expect(rmsprop.centered)
  }

  @Test func aGroupsRuleTakesTheOptimizersOptions() throws {
    let text = try #require(wrappers.first { $0.contains("muon") })
    let optimizer = try load(text).optimizer
    let muon = try #require(try optimizer.makeOptimizer() as? Muon)
    #expect(muon.momentum == 0.5 && !muon.nesterov && muon.weightDecay == 0.2)
    #expect(muon.iteration.steps == 3 && muon.adjustment == .matchRMSAdamW)
    let adam = try #require(try optimizer.makeOptimizer(optimizer.groups[0]) as? Adam)
    #expect(adam.moments.beta1 == 0.5 && adam.weightDecay == 0.2 && adam.decoupledWeightDecay)
  }

  /// The whole curve over 40 steps, 10 to the epoch, against the schedule made by hand.
  @Test(
    arguments: zip(
      everything[9...],
      [
        MultiStepSchedule(milestones: [3, 5], gamma: 0.5),
        MultiStepSchedule(milestones: [10, 25], gamma: 0.1),
        ExponentialSchedule(every: 10, gamma: 0.5), ExponentialSchedule(every: 10, gamma: 0.1),
        PolynomialSchedule(steps: 40, power: 2, endFactor: 0.1),
        WarmupSchedule(steps: 3, then: CosineSchedule(steps: 37, endFactor: 0.1)),
        CosineRestartSchedule(firstCycle: 5, cycleFactor: 2, endFactor: 0.1),
        CosineRestartSchedule(firstCycle: 20),
        OneCycleSchedule(steps: 40, pctStart: 0.5, divFactor: 10, finalDivFactor: 100),
        WarmupSchedule(steps: 4, then: InverseSquareRootSchedule(warmupSteps: 4)),
        ConstantSchedule(),
      ] as [any Schedule]))
  func optionsReachTheirSchedules(_ text: String, _ want: any Schedule) throws {
    let schedule = try load(text).schedule.makeSchedule(totalSteps: 40, stepsPerEpoch: 10)
    let isSame = text.contains("plateau") || text.contains("warmup")
    #expect(isSame || type(of: schedule) == type(of: want))
    #expect((0..<50).map(schedule.multiplier) == (0..<50).map(want.multiplier))
  }

  @Test(arguments: [
    ("optimizer: {name: adam, dampening: 0.1}", "optimizer.dampening: only sgd has it"),
    ("optimizer: {name: lion, eps: 0.1}", "optimizer.eps: only adam, adamw, nadam, radam,"),
    ("optimizer: {clip_norm: 1, clip_value: 1}", "give either clip_norm or clip_value"),
    ("optimizer: {name: lbfgs, clip_norm: 1}", "optimizer.clip_norm: lbfgs goes by the plain"),
    ("optimizer: {name: lbfgs, sam: {}}", "optimizer.sam: lbfgs goes by the plain gradient"),
    ("optimizer: {max_iter: 3}", "optimizer.max_iter: only lbfgs, newton have it"),
    ("optimizer: {groups: [{lr: 1}]}", "optimizer.groups.0.match: missing"),
    ("optimizer: {groups: [{match: x, frozen: true, lr: 1}]}", "frozen parameters need no others"),
    ("optimizer: {groups: [{match: x, name: adam}]}", "groups.0.name: needs a lr of its own"),
    ("optimizer: {groups: [{match: x, name: lbfgs, lr: 1}]}", "lbfgs goes over all parameters"),
    ("optimizer: {name: newton, clip_norm: 1}", "optimizer.clip_norm: newton goes by the plain"),
    ("optimizer: {name: newton, damping: -1}", "optimizer.damping"),
    ("optimizer: {groups: [{match: x, name: newton, lr: 1}]}", "newton goes over all parameters"),
    ("optimizer: {constraints: [{match: x}]}", "give one of max_norm, sum and nonnegative"),
    ("optimizer: {constraints: [{match: x, sum: 1, nonnegative: true}]}", "give one of max_norm"),
    ("optimizer: {constraints: [{sum: 1}]}", "optimizer.constraints.0.match: missing"),
    ("optimizer: {constraints: [{match: x, max_norm: 0}]}", "constraints.0.max_norm"),
    (
      "optimizer: {name: lbfgs, constraints: [{match: x, sum: 1}]}",
      "optimizer.constraints: lbfgs goes by the plain gradient"
    ),
    ("optimizer: {ns_steps: 3}", "optimizer.ns_steps: only muon has it"),
    ("optimizer: {name: muon, eps: 0.1}", "optimizer.eps: only adam, adamw, nadam, radam,"),
    ("average: {name: swa, decay: 0.5}", "average.decay: only ema, ema_ramp have it"),
    ("average: {name: swa, anneal_epochs: 2}", "average.anneal_epochs: needs a lr"),
    ("average: {start_steps: 1, start_epochs: 1}", "give either start_steps or start_epochs"),
    ("schedule: {patience: 3}", "schedule.patience: only reduce_on_plateau has it"),
    (
      "optimizer: {betas: [0.5, 0.5]}",
      "optimizer.betas: only adam, adamw, nadam, radam, lion, lamb"
    ),
    ("optimizer: {name: nadam, amsgrad: true}", "optimizer.amsgrad: only adam, adamw have it"),
    ("optimizer: {name: adam, decoupled_weight_decay: true}", "only nadam, radam have it"),
    ("optimizer: {momentum_decay: 0.1}", "optimizer.momentum_decay: only nadam has it"),
    ("optimizer: {lr_decay: 0.1}", "optimizer.lr_decay: only adagrad has it"),
    ("optimizer: {initial_accumulator_value: 1}", "only adagrad has it"),
    ("optimizer: {rho: 0.5}", "optimizer.rho: only adadelta has it"),
    ("optimizer: {alpha: 0.5}", "optimizer.alpha: only rmsprop has it"),
    ("optimizer: {centered: true}", "optimizer.centered: only rmsprop has it"),
    ("optimizer: {momentum: 0.9, nesterov: true, dampening: 0.1}", "needs a dampening of 0"),
    ("optimizer: {name: rmsprop, alpha: 1}", "optimizer.alpha: expected"),
    ("optimizer: {name: adadelta, rho: -0.1}", "optimizer.rho: expected"),
    ("optimizer: {name: adamax}", "optimizer.name: unknown word \"adamax\", did you mean adam"),
    ("schedule: {name: multi_step}", "multi_step needs either milestone_epochs or milestones"),
    ("schedule: {name: multi_step, milestones: [0]}", "schedule.milestones.0: expected"),
    ("schedule: {name: multi_step, milestones: 3}", "schedule.milestones: expected a list"),
    ("schedule: {milestones: [3]}", "schedule.milestones: only multi_step has it"),
    ("schedule: {name: exponential}", "exponential needs either step_epochs or step_size"),
    ("schedule: {gamma: 0.5}", "schedule.gamma: only step, multi_step, exponential have it"),
    ("schedule: {name: cosine, power: 2}", "schedule.power: only polynomial has it"),
    ("schedule: {end_factor: 0.5}", "only polynomial, cosine, cosine_restarts, reduce"),
    ("schedule: {name: cosine, end_factor: 2}", "schedule.end_factor: expected"),
    ("schedule: {name: cosine_restarts}", "cosine_restarts needs either t_0_epochs or t_0"),
    ("schedule: {name: cosine_restarts, t_0: 2, t_mult: 1.5}", "t_mult: expected an integer"),
    ("schedule: {name: cosine, t_0: 2}", "schedule.t_0: only cosine_restarts has it"),
    ("schedule: {name: cosine, pct_start: 0.5}", "schedule.pct_start: only one_cycle has it"),
    ("schedule: {name: cosine, anneal_strategy: linear}", "anneal_strategy: only one_cycle has it"),
    ("schedule: {name: one_cycle, div_factor: 0}", "schedule.div_factor: expected"),
  ])
  func faultsAreNamed(_ text: String, _ expected: String) {
    let error = #expect(throws: ConfigurationError.self) { try load(text) }
    #expect(error?.lines.count == 1)
    #expect(error?.lines.first?.contains(expected) == true, "\(error?.lines ?? [])")
  }
}
