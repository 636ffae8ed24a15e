import DLCore
import DLFormats

/// The error of the body, or nil; anything but a FormatError is passed on.
func formatError(_ body: () throws -> Void) throws -> FormatError? {
  do { try body() } catch let error as FormatError { return error }
  return nil
}

/// A safetensors file of that header and data.
func safetensors(_ header: String, data: [UInt8] = []) -> [UInt8] {
  withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) } + Array(header.utf8)
    + data
}
