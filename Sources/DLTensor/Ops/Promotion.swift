/// Both operands in one type, where one of them is a scalar.
///
/// A scalar takes the type of the other, and of two scalars the narrower one that of the wider, as a
/// loss's sum has. Other tensors stay as they are. The rule is PyTorch's.
func promoted(_ a: Tensor, _ b: Tensor) throws -> (Tensor, Tensor) {
  guard a.dtype != b.dtype, a.dtype.isReal, b.dtype.isReal else { return (a, b) }
  return switch (a.shape.rank == 0, b.shape.rank == 0) {
  case (true, true): (try a.converted(to: .float64), try b.converted(to: .float64))
  case (true, false): (try a.converted(to: b.dtype), b)
  case (false, true): (a, try b.converted(to: a.dtype))
  case (false, false): (a, b)
  }
}
