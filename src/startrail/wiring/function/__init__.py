"""What runs in the cloud: one source, asked by a schedule or told by events. Imports only what that needs."""
