import DLLayers

/// A generator of images and a discriminator that tells them from real ones.
///
/// Goodfellow et al. 2014, "Generative Adversarial Networks".
public protocol GenerativeAdversarial: Module {
  /// Maps noise, `[batch, 1, 1, latentSize]`, to images.
  var generator: any Layer { get }
  /// Maps images to one logit each: real above 0.
  var discriminator: any Layer { get }
  /// The length of a vector of noise.
  var latentSize: Int { get }
  /// The run folder of a classifier of such images, in whose features generated images are
  /// compared with real ones; nil for no comparison.
  var features: String? { get }
  /// The training of both.
  var options: AdversarialOptions { get }
  /// Classes whose number both networks are told, as a one of so many features behind those of noise
  /// and of each pixel; nil for none. Mirza and Osindero 2014.
  var conditionClasses: Int? { get }
}

extension GenerativeAdversarial {
  /// Goodfellow's game.
  public var options: AdversarialOptions { AdversarialOptions() }
  /// No classes.
  public var conditionClasses: Int? { nil }
}
