"""Whether two images show the same thing: `VerificationThreshold`.

The room may import `_contract` and `metrics`.
What measures a verification is in `metrics`.
"""
