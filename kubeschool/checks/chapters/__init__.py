"""The checkpoints of each chapter, one module a chapter."""
