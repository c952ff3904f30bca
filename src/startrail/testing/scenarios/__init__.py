"""Two metrics that differ for reasons that were planted, with the amount that each reason is worth.

``plant(["order_date", "test_accounts"], seed=1)`` gives two metrics, their tables as values, and the truth: what is due
to each cause, to the cent. Every reason plants rows of its own, so that reasons do not act on each other, alone or
in any combination; and everything comes from the seed.
"""

from startrail.testing.scenarios.plant import ALONE, CONTROLS, COUNTED, SCENARIOS, plant
from startrail.testing.scenarios.world import PERIOD, Planted

__all__ = ["ALONE", "CONTROLS", "COUNTED", "PERIOD", "SCENARIOS", "Planted", "plant"]
