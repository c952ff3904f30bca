"""Incidents: facts that show something wrong become one incident per cause, which follows it to its end.

:func:`~startrail.capabilities.incidents.watch.watch` reads what facts have come and records what they mean.
"""
