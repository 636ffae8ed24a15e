import DLOptimizers
import DLTensor
import Testing

/// The decays of `diffusers.training_utils.EMAModel(use_ema_warmup=True)` at its defaults.
@Suite struct RampedAverageTests {
  @Test func decaysAreThoseOfDiffusers() {
    // 1 - (1 + n)^(-2/3) at n = 7, 26, 63, 999: 3/4, 8/9, 15/16, 99/100.
    let ramp = RampedAverage(decay: 0.9999)
    for (updates, decay) in [(7, 0.75), (26, 8.0 / 9), (63, 0.9375), (999, 0.99)] {
      #expect(abs(1 - ramp.weight(afterUpdates: updates) - decay) < 1e-14)
    }
    #expect(abs(RampedAverage(decay: 0.9).weight(afterUpdates: 999) - 0.1) < 1e-15)
    let slow = RampedAverage(decay: 1, invGamma: 10, power: 1)
    #expect(abs(slow.weight(afterUpdates: 30) - 0.25) < 1e-15)
  }

  /// The first update copies; the second, of weight 1/2 at a power of 1, is the mean of two.
  @Test func aMeanFollowsTheRamp() throws {
    let weighting = RampedAverage(decay: 0.999, power: 1)
    let average = try WeightAverage(weighting, count: 1, dtype: .float64)
    for (value, mean) in [(4.0, 4.0), (8, 6), (3, 5), (9, 6)] {
      withUnsafeBytes(of: value) { bytes in bytes.baseAddress.map { average.update($0) } }
      #expect(abs(average.values.doubles[0] - mean) < 1e-14)
    }
  }
}
