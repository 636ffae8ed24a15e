enum DLDataPlaceholder {}
