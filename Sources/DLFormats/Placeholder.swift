enum DLFormatsPlaceholder {}
