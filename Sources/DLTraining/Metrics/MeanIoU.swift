import DLConfiguration
import DLLayers

/// Right labels over those that are predicted or wanted, the mean over classes by default: the overlap
/// of the regions of pixels that predictions and labels give to a class.
///
/// Counterpart: sklearn's `jaccard_score`, and the "mean IoU" of segmentation.
package struct MeanIoU: ClassCountMetric {
  package static var word: String { "mean_iou" }
  /// The way in which classes become one number.
  package var average = ClassAverage.macro

  package init() {}

  /// The share that is right of what either names.
  package static func share(right: Int, predicted: Int, wanted: Int) -> (Int, Int) {
    (right, predicted + wanted - right)
  }
}
