import DLTensor

/// Numbers a layer's uses of dropout within a forward pass, so that each draws a mask of its own.
struct DropoutCalls {
  private var pass = -1
  private var call = 0

  /// The key of the next use by the layer at `path`.
  mutating func next(_ context: Context, path: String) -> RandomKey {
    call = pass == context.forwardPass ? call + 1 : 0
    pass = context.forwardPass
    let key = RandomKey(context.seed).child("dropout").child(context.step).child(path).child(call)
    return context.turn == 0 ? key : key.child("turn").child(context.turn)
  }
}
