"""The ground floor: errors with codes and hints, identifiers, units, time. Imports nothing of ours."""
