"""What can go wrong with an endpoint before anything is sent."""

from __future__ import annotations

from startrail.base.errors import ResourceError


class AppriseMissing(ResourceError):
    """An endpoint of kind ``apprise`` needs a package that is not installed.

    Install the extra: ``pip install 'startrail[alerts]'``. Alerts wait in the ledger until then.
    """

    code = "ST690"


class HostNotListed(ResourceError):
    """Alerts would go to a host that the profile does not list, or to an address that is not public.

    Add the host to ``hosts`` of the profile's ``alerts``; a loopback or private address or network must be listed itself,
    such as ``10.0.0.0/8``. Alerts wait in the ledger until then.
    """

    code = "ST691"


class BadAppriseUrl(ResourceError):
    """The secret behind an apprise endpoint is no URL that apprise knows.

    Look up the form of the service's URL in the documentation of apprise, and write it into the secret.
    """

    code = "ST692"
