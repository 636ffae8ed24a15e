import DLConfiguration

/// A learning rate that rises to the base rate and falls far below its start, along two half cosines
/// or two lines.
///
///     start = 1 / divFactor, peak = 1, end = start / finalDivFactor
///
/// The peak is at step `pctStart * steps - 1`, the end at `steps - 1`, where the rate stays. As
/// `OneCycleLR` with `max_lr = lr` and `total_steps = steps`, of the rate alone.
/// Smith and Topin, "Super-Convergence" (2018).
package struct OneCycleSchedule: Schedule, Hashable {
  /// The length of the cycle.
  package let steps: Int

  /// The part of the cycle in which the rate rises.
  package let pctStart: Double

  /// The peak over the first rate.
  package let divFactor: Double

  /// The first rate over the last one.
  package let finalDivFactor: Double

  /// True if the rate changes along lines, `anneal_strategy="linear"`, instead of cosines.
  package let isLinear: Bool

  package init(
    steps: Int, pctStart: Double = 0.3, divFactor: Double = 25, finalDivFactor: Double = 1e4,
    isLinear: Bool = false
  ) {
    self.steps = steps
    self.pctStart = pctStart
    self.divFactor = divFactor
    self.finalDivFactor = finalDivFactor
    self.isLinear = isLinear
  }

  /// The factor of the base learning rate at a step, counted from 0.
  package func multiplier(step: Int) -> Double {
    let (start, end) = (1 / divFactor, 1 / divFactor / finalDivFactor)
    let (current, last) = (Double(max(step, 0)), Double(max(steps, 1)) - 1)
    let peak = pctStart * Double(max(steps, 1)) - 1
    guard current < last else { return peak >= last ? 1 : end }
    if current <= peak { return way(from: start, to: 1, at: peak > 0 ? current / peak : 1) }
    return way(from: 1, to: end, at: (current - peak) / (last - peak))
  }

  private func way(from first: Double, to last: Double, at part: Double) -> Double {
    isLinear ? first + (last - first) * part : halfCosine(from: first, to: last, at: part)
  }
}

/// The options of a rate that rises to the base rate and falls far below its start.
package struct OneCycleSpec: ScheduleSpec {
  package static var word: String { "one_cycle" }

  /// The part of the cycle in which the rate rises.
  package var pctStart = 0.3
  /// The peak, which is the base rate, over the first rate.
  package var divFactor = 25.0
  /// The first rate over the last one.
  package var finalDivFactor = 1e4
  /// The curve between the rates.
  package var annealStrategy = AnnealStrategy.cos

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("pct_start", \.pctStart, .within(0...1), "part of the cycle in which the rate rises"),
      .init("div_factor", \.divFactor, .atLeast(1), "peak, which is lr, over the first rate"),
      .init("final_div_factor", \.finalDivFactor, .atLeast(1), "first rate over the last one"),
      .init("anneal_strategy", \.annealStrategy, "curve between the rates"),
    ]
  }

  /// The known curves.
  package enum AnnealStrategy: String, ConfigurationWord {
    /// Half a cosine.
    case cos
    /// A straight line.
    case linear
  }

  /// Makes the schedule of a run.
  package func makeSchedule(over run: ScheduleSpan) -> any Schedule {
    OneCycleSchedule(
      steps: run.remaining, pctStart: pctStart, divFactor: divFactor,
      finalDivFactor: finalDivFactor, isLinear: annealStrategy == .linear)
  }
}
