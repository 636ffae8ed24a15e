extension Augmentation {
  /// The pixels beyond the border of an image; the words are those of torchvision's `padding_mode`.
  public enum PaddingMode: String, Sendable, Hashable, CaseIterable {
    /// Black: `000|abcd|000`.
    case constant
    /// The outermost pixel: `aaa|abcd|ddd`.
    case edge
    /// The image mirrored at its outermost pixel, which is not repeated: `dcb|abcd|cba`.
    case reflect
    /// The image mirrored at its border: `cba|abcd|dcb`.
    case symmetric

    /// The most that this mode pads an image by.
    func limit(_ height: Int, _ width: Int) -> Int {
      switch self {
      case .constant, .edge: 4096
      case .reflect: min(max(min(height, width) - 1, 0), 4096)
      case .symmetric: min(height, width, 4096)
      }
    }

    /// The place within `0..<size` that shows at `place`, nil for black.
    package func source(of place: Int, size: Int) -> Int? {
      if (0..<size).contains(place) { return place }
      return switch self {
      case .constant: nil
      case .edge: min(max(place, 0), size - 1)
      case .reflect: place < 0 ? -place : 2 * size - 2 - place
      case .symmetric: place < 0 ? -place - 1 : 2 * size - 1 - place
      }
    }
  }
}
