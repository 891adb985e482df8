"""Neural networks: `MLPBackprop`, `ArcFaceEmbedder` and their common base class.

Layers are in `_layers`, and losses and optimizers in `_training`.
The room may import these and `_contract`.
"""
