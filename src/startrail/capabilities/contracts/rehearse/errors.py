"""Errors of planning on history."""

from __future__ import annotations

from startrail.base.errors import ContractError


class UnknownProposal(ContractError):
    """A contract that should be tried is none that a source loads under.

    ``plan --contract`` takes the file of a contract under the name of one that the project has, such as
    ``orders.odcs.yml``; for a file of another name say which one it stands for: ``--contract orders=new.yml``.
    """

    code = "ST390"


class UnknownSegment(ContractError):
    """A column by which rows should be told apart is not in the table, or has too many values for that.

    ``plan --segment`` takes the name of a column at the top level of the raw table, with at most a thousand values.
    """

    code = "ST391"


class RehearsalBroken(ContractError):
    """A process that replayed landed deliveries ended early. What was done is kept; nothing was changed.

    The message has its last words. Run the plan again: it goes on with the deliveries that are left.
    """

    code = "ST392"
