import ArgumentParser
import DLCluster
import DLTraining

World.main { world in
  let command = try world.agreed("read the command line") { try Dltrain.parsed() }
  switch command {
  case .text(let text):
    world.print(text)
    return .success
  case .verb(let verb):
    return try verb.run(in: world)
  }
}
