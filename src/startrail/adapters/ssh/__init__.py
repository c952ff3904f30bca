"""What feeds and destinations on SSH servers share: whom to trust, and how to log in."""
