import DLConfiguration
import DLTestSupport
import DLTraining
import Foundation
import Testing

@Suite struct ConfigurationFuzzTests {
  private static let seeds = [
    """
    data: {synthetic: {shape: [28, 28, 1], classes: 10, rows: 64}, augment: [flip, {pad_crop: {padding: 2}}], order: sequential}
    model:
      layers:
        - {conv2d: {out: 32, kernel: [3, 3], padding: 1}}
        - residual: &r {layers: [batch_norm, relu: {}], shortcut: [{linear: {out: 1}}]}
        - residual: *r
    optimizer: {name: adamw, lr: 5.0e-4, betas: [0.9, 0.999], clip_norm: ~}
    schedule: {name: step, step_epochs: 0.5, gamma: .1}
    """,
    "data: {train: \"a\\u0041 b\", normalize: {mean: [1], std: [2]}}\nmodel: {name: 'm'}\nshares: [7, 5, 3, 0]\n",
  ]
  private static let fragments = [
    "{", "}", "[", "]", ":", ": ", "- ", "? ", "*r", "&r ", "!!str ", "! ", "%", "|\n", ">\n", "\n",
    "\t", "\"",
    "'", "#", "0x", "1e9", ".inf", "-", "~", "<<: ", "\u{0}", "é", "\u{FEFF}", "---\n", "...\n",
    "\\", "@", ",",
    "9223372036854775808", "null", "  ",
  ]

  /// Mutated files load or fail, but never trap; what loads also survives the round trip.
  ///
  /// `DLTRAIN_MUTATIONS=100000` tries as many; the same ones at each start.
  @Test func mutatedTextNeverTraps() throws {
    var numbers = Numbers(seed: 20_240_601)
    func next(_ bound: Int) -> Int { numbers.below(bound) }
    let environment = ProcessInfo.processInfo.environment
    let wanted = environment["DLTRAIN_MUTATIONS"].flatMap { Int($0) } ?? 3000
    var loaded = 0
    for round in 0..<wanted {
      var bytes = Array(Self.seeds[round % Self.seeds.count].utf8)
      for _ in 0...next(2) {
        let at = next(bytes.count + 1)
        switch next(4) {
        case 0: bytes.insert(contentsOf: Self.fragments[next(Self.fragments.count)].utf8, at: at)
        case 1 where at < bytes.count: bytes[at] = UInt8(next(256))
        case 2: bytes.removeSubrange(at..<min(bytes.count, at + next(9)))
        default:
          let end = min(bytes.count, at + next(40))
          bytes.insert(contentsOf: bytes[at..<end], at: next(bytes.count + 1))
        }
      }
      let text = String(decoding: bytes, as: UTF8.self)
      do throws(ConfigurationError) {
        let job = try Configuration.load(yaml: text)
        loaded += 1
        let again = try Configuration.load(yaml: job.yaml())
        #expect(again == job)
      } catch {
        #expect(!error.faults.isEmpty)
        #expect(error.lines.allSatisfy { !$0.contains("\n") })
      }
      let override = String(decoding: bytes.prefix(next(40)), as: UTF8.self)
      _ = try? Configuration.load(
        yaml: Self.seeds[0], overrides: [override, "model.\(override)=1"])
    }
    #expect(loaded > wanted / 100)
  }
}
