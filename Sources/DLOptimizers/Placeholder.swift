enum DLOptimizersPlaceholder {}
