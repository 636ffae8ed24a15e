enum DLLayersPlaceholder {}
