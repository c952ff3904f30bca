"""What feeds, stores and destinations in buckets share: how one is opened, and what it means when it refuses."""
