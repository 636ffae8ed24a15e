enum DLRecipesPlaceholder {}
