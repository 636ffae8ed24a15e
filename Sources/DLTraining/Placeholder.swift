enum DLTrainingPlaceholder {}
