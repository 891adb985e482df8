"""Verification of whether two images are of one person: `VerificationThreshold`.

The room may import `_contract` and `metrics`. The metrics of verification are in
`metrics`.
"""
