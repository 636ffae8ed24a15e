import DLCommands

TrainingProgram.main()
