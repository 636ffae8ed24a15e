import DLCore
import DLTensor
import Glibc

/// Logarithms of a sound's energy by bands of frequency, a row for each moment.
///
/// Frames, window and filters are those of `torchaudio.transforms.MelSpectrogram(sample_rate, n_fft,
/// win_length, hop_length, f_min, f_max, n_mels)` with its defaults: frames centered on multiples of
/// `hop` with the sound reflected at its ends, a periodic Hann window, squared magnitudes, triangles
/// on the scale 2595 log10(1 + f / 700) without area normalization. The logarithm is that of
/// energy + 1e-6.
struct LogMel {
  /// The settings that the rows are made by.
  struct Settings: Equatable {
    /// Samples per second.
    var sampleRate: Int
    /// Samples of a frame.
    var window: Int
    /// Samples from frame to frame.
    var hop: Int
    /// The length of the Fourier transform, in whose middle the window lies.
    var transform: Int
    /// The number of bands.
    var bands: Int
    /// The lowest frequency of a band, in Hz.
    var lowest: Double
    /// The highest.
    var highest: Double
  }

  let settings: Settings
  /// Window times cosines and sines, `[window, 2 * bins]`.
  private let basis: [Double]
  /// `[bins, bands]`.
  private let filters: [Double]
  private var bins: Int { settings.transform / 2 + 1 }

  /// Bands between whose edges no frequency of the transform lies.
  var emptyBands: Int {
    (0..<settings.bands).count { band in
      (0..<bins).allSatisfy { filters[$0 * settings.bands + band] == 0 }
    }
  }

  init(_ settings: Settings) {
    self.settings = settings
    let (window, transform) = (settings.window, settings.transform)
    let bins = transform / 2 + 1
    let left = (transform - window) / 2
    var basis = [Double](repeating: 0, count: window * 2 * bins)
    for sample in 0..<window {
      let weight = 0.5 - 0.5 * PortableMath.cos(2 * Double.pi * Double(sample) / Double(window))
      for bin in 0..<bins {
        // The product is taken modulo the period, so that large ones lose no digits.
        let turn = Double((sample + left) * bin % transform) / Double(transform)
        basis[sample * 2 * bins + bin] = weight * PortableMath.cos(2 * Double.pi * turn)
        basis[sample * 2 * bins + bins + bin] = weight * PortableMath.sin(2 * Double.pi * turn)
      }
    }
    self.basis = basis
    filters = Self.filters(settings, bins: bins)
  }

  private static func filters(_ settings: Settings, bins: Int) -> [Double] {
    func mel(_ hertz: Double) -> Double {
      2595 * PortableMath.log(1 + hertz / 700) / PortableMath.log(10)
    }
    let (low, high) = (mel(settings.lowest), mel(settings.highest))
    let edges = (0..<settings.bands + 2).map { index in
      700
        * (PortableMath.pow(
          10, (low + (high - low) * Double(index) / Double(settings.bands + 1)) / 2595) - 1)
    }
    var filters = [Double](repeating: 0, count: bins * settings.bands)
    for bin in 0..<bins {
      // torchaudio takes the middle of an odd rate for the integer below it.
      let hertz = Double(settings.sampleRate / 2) * Double(bin) / Double(bins - 1)
      for band in 0..<settings.bands {
        let rising = (hertz - edges[band]) / (edges[band + 1] - edges[band])
        let falling = (edges[band + 2] - hertz) / (edges[band + 2] - edges[band + 1])
        filters[bin * settings.bands + band] = max(0, min(rising, falling))
      }
    }
    return filters
  }

  /// The number of rows of a sound.
  func rowCount(samples: Int) -> Int { 1 + samples / settings.hop }

  /// The rows of a sound of at least one sample, `[rows, bands]`; at most `limit` rows.
  func rows(_ samples: [Double], limit: Int) -> [Double] {
    let count = min(rowCount(samples: samples.count), limit)
    // Hours of sound do not lie in memory as frames.
    return stride(from: 0, to: count, by: Self.block).flatMap { first in
      rows(samples, first..<min(first + Self.block, count))
    }
  }

  private static let block = 1024

  private func rows(_ samples: [Double], _ range: Range<Int>) -> [Double] {
    let (count, window, bins, bands) = (
      range.count, settings.window, bins, settings.bands
    )
    let frames = frames(samples, range)
    var spectrum = [Double](repeating: 0, count: count * 2 * bins)
    gemm(
      .float64, m: count, n: 2 * bins, k: window, frames, lda: window, basis, ldb: 2 * bins,
      beta: 0, &spectrum, ldc: 2 * bins)
    let power = [Double](unsafeUninitializedCapacity: count * bins) { power, initialized in
      spectrum.withUnsafeBufferPointer { spectrum in
        for row in 0..<count {
          for bin in 0..<bins {
            let (re, im) = (spectrum[row * 2 * bins + bin], spectrum[(row * 2 + 1) * bins + bin])
            power[row * bins + bin] = re * re + im * im
          }
        }
      }
      initialized = count * bins
    }
    var energy = [Double](repeating: 0, count: count * bands)
    gemm(
      .float64, m: count, n: bands, k: bins, power, lda: bins, filters, ldb: bands, beta: 0,
      &energy, ldc: bands)
    energy.withUnsafeMutableBufferPointer { energy in
      for index in energy.indices { energy[index] = PortableMath.log(energy[index] + 1e-6) }
    }
    return energy
  }

  /// The samples under each window, `[rows, window]`, the sound reflected at its ends.
  private func frames(_ samples: [Double], _ range: Range<Int>) -> [Double] {
    let window = settings.window
    let left = (settings.transform - window) / 2 - settings.transform / 2
    return [Double](unsafeUninitializedCapacity: range.count * window) { frames, initialized in
      samples.withUnsafeBufferPointer { samples in
        for (place, row) in range.enumerated() {
          let first = row * settings.hop + left
          for sample in 0..<window {
            frames[place * window + sample] = samples[Self.reflected(first + sample, samples.count)]
          }
        }
      }
      initialized = range.count * window
    }
  }

  /// The place of a sound that one outside of it shows, as in a hall of mirrors.
  private static func reflected(_ place: Int, _ count: Int) -> Int {
    if place >= 0 && place < count { return place }
    guard count > 1 else { return 0 }
    let period = 2 * (count - 1)
    let rest = ((place % period) + period) % period
    return rest < count ? rest : period - rest
  }

  /// The change of rows over time, by the slope of a line through five of them, the ends repeated.
  ///
  /// `Σ n (x[t+n] - x[t-n]) / 10` for n of 1 and 2. Counterpart:
  /// `torchaudio.functional.compute_deltas`.
  static func deltas(_ rows: [Double], width: Int) -> [Double] {
    let count = rows.count / max(width, 1)
    return [Double](unsafeUninitializedCapacity: rows.count) { deltas, initialized in
      rows.withUnsafeBufferPointer { rows in
        for row in 0..<count {
          for column in 0..<width {
            func at(_ row: Int) -> Double { rows[min(max(row, 0), count - 1) * width + column] }
            deltas[row * width + column] =
              (at(row + 1) - at(row - 1) + 2 * (at(row + 2) - at(row - 2))) / 10
          }
        }
      }
      initialized = rows.count
    }
  }
}
