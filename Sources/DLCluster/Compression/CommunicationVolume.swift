/// Bytes that went between domains (hosts, or processes that share no memory), over all of them.
package struct CommunicationVolume: Sendable, Equatable {
  /// Gradients, as they were sent.
  package var gradients = 0
  /// The bytes that the same gradients take uncompressed.
  package var plainGradients = 0
  /// Updated parameters, which nothing compresses.
  package var parameters = 0

  /// Makes a count of nothing.
  package init() {}

  /// The bytes of both counts.
  package static func + (a: CommunicationVolume, b: CommunicationVolume) -> CommunicationVolume {
    var sum = a
    sum.gradients += b.gradients
    sum.plainGradients += b.plainGradients
    sum.parameters += b.parameters
    return sum
  }

  /// The bytes of a count since an earlier one.
  package static func - (a: CommunicationVolume, b: CommunicationVolume) -> CommunicationVolume {
    var rest = a
    rest.gradients -= b.gradients
    rest.plainGradients -= b.plainGradients
    rest.parameters -= b.parameters
    return rest
  }
}

/// A count that an arena and the communication thread of its process share.
///
/// It is read between steps alone.
final class VolumeCount: @unchecked Sendable {
  var sum = CommunicationVolume()
}
