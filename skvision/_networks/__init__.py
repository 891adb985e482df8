"""Neural networks: `MLPBackprop`, `ArcFaceEmbedder` and their common base class.

Layers, losses and optimizers are in `_training`.
The room may import `_contract` and `_training`.
"""
