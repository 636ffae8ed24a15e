import ArgumentParser
import DLCluster
import DLCore
import DLJobs
import DLRecipes
import DLReports

extension StudyJob.Ranks: ExpressibleByArgument {}

/// `dltrain study`.
struct StudyCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "study",
    abstract: "Train many variants of one job, for one table and one picture.",
    discussion: """
      Example: mpirun -n 4 dltrain study optimizers --out runs/optimizers

      Without a FILE it lists the studies that are built in. A study that was stopped or killed goes on with --resume.
      """)

  @Argument(help: "A file that describes the study, or the name of one that is built in.")
  var file: String?
  @Option(help: "The study's folder; the first free runs/study-NAME-NNN unless given.")
  var out: String?
  @Flag(help: "Go on with the study of the folder, the newest unless --out names one.")
  var resume = false
  @Option(
    help: ArgumentHelp(
      "Whether the ranks share the runs out, each rank training alone, or all train each run.",
      valueName: "shared|all"))
  var ranks = StudyJob.Ranks.shared
  @Flag(help: "Print the file of a study that is built in.")
  var show = false
  @OptionGroup var job: JobOptions

  func run(in world: World) throws -> DLCore.ExitCode {
    guard let file else {
      world.print(try world.agreed("list the studies") { try StudyRecipe.text(nil, World.columns) })
      return .success
    }
    if show {
      world.print(try world.agreed("show the study") { try StudyRecipe.text(file, World.columns) })
      return .success
    }
    world.needsOutput = false
    var study = StudyJob()
    study.out = out
    study.resume = resume
    study.ranks = ranks
    return try study.run(in: world) {
      let source = try StudySource(file)
      return try Study(yaml: source.yaml, source: source.name, folder: source.folder) {
        guard $0 != nil || world.program.defaults != nil else {
          throw UsageError("job is missing: name a recipe or a configuration file, as job: digits")
        }
        return try Job(source.job($0), of: world.program)
          .configuration(job.overrides, replacements: $1)
      }
    }
  }
}
