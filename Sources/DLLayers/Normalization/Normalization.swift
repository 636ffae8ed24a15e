/// A layer whose parameters scale and shift what it has normalized; they are commonly left out of
/// weight decay.
package protocol Normalization: Module {}

extension BatchNorm: Normalization {}
extension LayerNorm: Normalization {}
extension GroupNorm: Normalization {}
extension InstanceNorm: Normalization {}
extension RMSNorm: Normalization {}
