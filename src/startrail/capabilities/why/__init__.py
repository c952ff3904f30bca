"""Why two numbers differ: which difference of definition carries how much of the gap, exactly."""
