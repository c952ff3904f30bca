"""The spine: plan -> apply -> run as checkpointed steps; emits typed events."""
