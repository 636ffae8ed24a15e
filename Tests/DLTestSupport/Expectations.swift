import DLTensor
import Testing

/// Expects the body to throw an error of that type with exactly that message.
public func expect<E: Error>(
  _ message: String, as type: E.Type = TensorError.self,
  sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Any
) {
  do {
    _ = try body()
    Issue.record("nothing thrown: \(message)", sourceLocation: sourceLocation)
  } catch {
    #expect("\(error)" == message, sourceLocation: sourceLocation)
    #expect(error is E, sourceLocation: sourceLocation)
  }
}

/// What the body throws, as text.
public func refusal(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "nothing was thrown"
  } catch {
    return "\(error)"
  }
}

/// Whether a key of metrics.jsonl is a measured time, and so differs from run to run.
///
/// - Parameter acrossLayouts: whether runs of other numbers of ranks are compared, which send other
///   amounts of bytes.
public func isMeasured(_ key: String, acrossLayouts: Bool = false) -> Bool {
  key.hasSuffix("_s") || ["comm_share", "slowest_rank"].contains(key)
    || acrossLayouts && key.hasSuffix("_bytes")
}
