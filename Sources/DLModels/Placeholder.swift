enum DLModelsPlaceholder {}
