"""Neural networks: `MLPBackprop` and `ArcFaceEmbedder`, and what they share.

Layers, losses and optimizers are in `_training`.
The room may import `_contract` and `_training`.
"""
