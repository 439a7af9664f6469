"""Training: PyTorch models, windows, recipes and export; nothing in the package imports it."""
