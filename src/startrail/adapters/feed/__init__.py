"""Feeds: folders, FTP servers and HTTP endpoints that deliver files and records."""
