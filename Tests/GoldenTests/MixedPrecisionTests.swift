import DLTensor
import DLTestSupport
import Testing

/// Ops whose products are of bfloat16 against PyTorch's mixed precision
/// (scripts/golden/make_bfloat16.py): as near to float64 as PyTorch's own.
@Suite struct MixedPrecisionTests {
  /// A difference's root mean square beside that of the values, with 8 bits of precision: 2^-9 at
  /// most for a rounding.
  private func distance(_ values: [Double], _ expected: [Double]) -> Double {
    func norm(_ values: [Double]) -> Double {
      values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
    return norm(zipped(values, expected).map { $0 - $1 }) / max(norm(expected), 1e-30)
  }

  @Test func opsAreAsNearAsAutocast() throws {
    let cases = try Golden.cases("bfloat16")
    #expect(cases.count >= 11)
    var roundings = 0
    for golden in cases {
      let (outputs, gradients) = try results(golden)
      for (kind, values) in [("out", outputs), ("grad", gradients)] {
        for (name, found) in values {
          let exact = try golden.values("f64/\(kind)/\(name)")
          let own = distance(found, exact)
          let theirs = distance(try golden.values("bf16/\(kind)/\(name)"), exact)
          // Both lie within a few roundings of 2^-9; by chance one is nearer.
          #expect(
            own <= 1.25 * theirs + 1e-6, "\(golden): \(kind) \(name), \(own) against \(theirs)")
          // A gradient by a bias is a sum of what was handed in: nothing is rounded there.
          if name != "bias" {
            #expect(own > 1e-4, "\(golden): \(name) is not of bfloat16")
            roundings += 1
          }
        }
      }
    }
    #expect(roundings >= 30)
  }

  private func results(
    _ golden: GoldenCase
  ) throws -> (outputs: [String: [Double]], gradients: [String: [Double]]) {
    Engine.current.select()
    let context = Context()
    context.roundsProducts = true
    var inputs: [String: Tensor] = [:]
    let differentiated = golden.names("f64/grad")
    for name in golden.names("in") {
      let input = try golden.input(name, context)
      inputs[name] = differentiated.contains(name) ? input.requiringGradient() : input
    }
    let outputs = try context.recording { try golden.runner()(golden, inputs) }
    let y = try outputs.get("y")
    try context.backward(
      from: y,
      gradient: .values(golden.values("in/grad_output"), shape: y.shape, context: context))
    var gradients: [String: [Double]] = [:]
    for name in differentiated {
      gradients[name] = try #require(inputs[name]?.gradient).doubles
    }
    let found = try golden.names("f64/out").map { ($0, try outputs.get($0).doubles) }
    return (Dictionary(uniqueKeysWithValues: found), gradients)
  }

  /// Recurrent products keep to the rounding's epsilon.
  @Test func recurrentNetworksStayNearFloat64() throws {
    for golden in try Golden.cases("recurrent") where golden.options["op"]?.string != "rnn" {
      // y is a sum with weights of either sign, of what the other outputs hold.
      let outputs = try results(golden).outputs.filter { $0.key != "y" }
      #expect(outputs.count >= 2)
      for (name, values) in outputs {
        let own = distance(values, try golden.values("f64/out/\(name)"))
        #expect(own < 0x1p-6 && own > 1e-5, "\(golden), \(name): \(own)")
      }
    }
  }
}
