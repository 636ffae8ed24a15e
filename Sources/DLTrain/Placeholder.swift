enum DLTrainPlaceholder {}
