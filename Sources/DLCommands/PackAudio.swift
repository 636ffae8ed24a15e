import ArgumentParser
import DLCore
import DLData
import DLJobs

/// `dltrain data pack audio`.
struct PackAudio: PackVerb {
  static let configuration = CommandConfiguration(
    commandName: "audio", abstract: "Turn WAV files into data set files of log-mel rows.",
    discussion: """
      Example: dltrain data pack audio recordings --label '{digit}_{speaker}_{index}' --class digit --test index=0-4 -o digits

      The sounds are PCM of 8 to 32 bits or floating point, of one rate; channels are mixed. Frames and mel filters are \
      those of torchaudio's MelSpectrogram; a row is the logarithm of the energy in each band. Without --test a part is \
      drawn for validation.
      """)

  @Argument(help: "The folder of the .wav files.")
  var folder: String
  @Option(
    name: .shortAndLong,
    help: "The folder for train.safetensors and test or validation, or one file for one part.")
  var output: String
  @Option(help: "What the names of the files say, without .wav.")
  var label = "{class}/{name}"
  @Option(name: .customLong("class"), help: "The field of the name that is the class.")
  var classField = "class"
  @Option(
    help: ArgumentHelp("The sounds that are for testing, as index=0-4.", valueName: "field=values"))
  var test: String?
  @OptionGroup var split: SplitOptions
  @Option(
    help: ArgumentHelp(
      "Join so many sounds of a part, as 2-5, to each row, whose labels are their classes from 1 on, for ctc.",
      valueName: "least-most"))
  var strings: NumberRange?
  @Option(help: "The rows of a sound, those beyond are cut off; as the longest has unless given.")
  var length: Int?
  @Option(help: "Milliseconds of a frame; 25 unless given.")
  var window: Double?
  @Option(help: "Milliseconds from frame to frame; 10 unless given.")
  var hop: Double?
  @Option(help: "Samples of the Fourier transform; the next power of two unless given.")
  var fft: Int?
  @Option(help: "The number of bands; 40 unless given.")
  var mels: Int?
  @Option(help: "The lowest frequency of a band, in Hz; 0 unless given.")
  var fmin: Double?
  @Option(help: "The highest; half the rate unless given.")
  var fmax: Double?
  @Option(
    help: "How often the change over time is put behind the bands, 1 or 2; never unless given.")
  var deltas: Int?
  @Flag(
    inversion: .prefixedNo,
    help: "Bring columns to mean 0 and deviation 1 over the train part; done unless told not to.")
  var standardize: Bool?
  @Option(help: "Take classes, length and features of this data set file.")
  var like: String?

  func validate() throws {
    try split.requireNone(beside: [("--test", test != nil), ("--like", like != nil)])
    try SplitOptions.requireNone(
      of: [
        ("--window", window != nil), ("--hop", hop != nil), ("--fft", fft != nil),
        ("--mels", mels != nil), ("--fmin", fmin != nil), ("--fmax", fmax != nil),
        ("--deltas", deltas != nil), ("--standardize", standardize != nil),
        ("--length", length != nil),
      ], besideLike: like != nil)
  }

  var reads: [String?] { [folder, like] }

  func pack(in world: World, _ line: ProgressLine) throws -> [PackedFile] {
    var packer = AudioPacker()
    (packer.pattern, packer.classField, packer.test) = (label, classField, test)
    (packer.split, packer.length) = (split.plan, length)
    packer.strings = try strings?.integers("strings")
    (packer.transform, packer.highest, packer.like) = (fft, fmax, like)
    if let window { packer.window = window }
    if let hop { packer.hop = hop }
    if let mels { packer.bands = mels }
    if let fmin { packer.lowest = fmin }
    if let deltas { packer.deltas = deltas }
    if let standardize { packer.isStandardized = standardize }
    packer.notice = { world.print($0) }
    packer.progress = line.update
    return try packer.pack(folder, output: output)
  }
}
