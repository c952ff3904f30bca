"""Plan on history: what landed deliveries would have come to under the contracts as they stand now.

scope: which deliveries, against which contract. part: which fields alone need be read again. one: one delivery.
total: all of them together. Reads only.
"""
