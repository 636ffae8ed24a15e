import DLCore
import DLFormats

extension SafetensorsFile {
  /// Opens a data set file: labels and lengths of U8, BOOL or I64 are read as I32, tokens of I64 too,
  /// and values of F64 as F32, as long as each has its value there.
  ///
  /// - Throws: `FormatError` where the file cannot be read, or is no safetensors file.
  package convenience init(dataset path: String) throws {
    do {
      try self.init(path: path) { name, type in
        switch (name, type) {
        case ("y", .uint8), ("y", .bool), ("x", .int64), ("y", .int64), ("lengths", .int64): .int32
        case ("x", .float64), ("y", .float64): .float32
        default: type
        }
      }
    } catch var error as FormatError where error.kind == .content {
      if let kind = try? FileKind(ByteHead.read(path)), kind.isText, kind.use == nil {
        error.advice = "pack it by dltrain data pack text, sentences or parallel"
      }
      throw error
    }
  }
}
