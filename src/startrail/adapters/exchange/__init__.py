"""Sample files and schema files, read for whoever makes a contract of them."""

from startrail.adapters.exchange.samples import FileSamples

__all__ = ["FileSamples"]
