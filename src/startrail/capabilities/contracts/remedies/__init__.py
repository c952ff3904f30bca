"""Which change of a contract or which repair would let refused rows in."""
