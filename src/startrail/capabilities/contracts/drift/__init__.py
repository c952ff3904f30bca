"""Drift that is let in: tables that evolve, fields that are adopted, departures that are acknowledged with a proof."""
