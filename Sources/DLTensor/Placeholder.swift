enum DLTensorPlaceholder {}
