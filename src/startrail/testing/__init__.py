"""In-memory fakes of every port, for unit tests of ours and of users."""
