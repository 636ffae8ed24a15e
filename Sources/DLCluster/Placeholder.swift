enum DLClusterPlaceholder {}
