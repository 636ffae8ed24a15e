/// The 64-bit FNV-1a of a text's UTF-8: the same in every process and on every machine, which
/// `Hasher` is not.
///
/// Fowler, Noll and Vo 1991.
package func stableHash(_ text: String) -> UInt64 {
  text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
}
