"""A bucket of any S3 API as a store."""
