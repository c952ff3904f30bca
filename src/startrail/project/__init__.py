"""The folder of declarations, read strictly into a frozen model with places."""
