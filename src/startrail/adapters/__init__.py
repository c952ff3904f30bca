"""The real components behind the ports; third-party libraries live here."""
