"""What can be wrong in a project folder, one class per kind."""

from __future__ import annotations

from startrail.base.errors import DeclarationError


class FileUnreadable(DeclarationError):
    """A file of the project could not be read.

    Check that it exists, that it is a plain file inside the project folder, and that its permissions let you read it.
    """

    code = "ST100"


class FileTooLarge(DeclarationError):
    """A declaration is larger than 1 MiB.

    Declarations are read whole. Split the file, or move data out of it.
    """

    code = "ST101"


class NotText(DeclarationError):
    """A file is not UTF-8 text, or holds control characters.

    Save it as UTF-8; the place named is the first one that is not.
    """

    code = "ST102"


class NotYaml(DeclarationError):
    """A file is not valid YAML 1.2.

    Look at the place named, and at the line before it. Indent with spaces; quote text that holds ``: ``,
    ``#`` or starts with a mark.
    """

    code = "ST103"


class DuplicateKey(DeclarationError):
    """A key stands twice in one mapping.

    Only one of them could count, so neither does. Remove one.
    """

    code = "ST104"


class AliasFound(DeclarationError):
    """A declaration uses a YAML anchor or alias.

    Write the value out at both places: what a file means must be readable where it stands.
    """

    code = "ST105"


class TagFound(DeclarationError):
    """A declaration uses a YAML tag.

    Types come from the declaration, never from the file. Remove the tag; quote the value to make it text.
    """

    code = "ST106"


class MergeKeyFound(DeclarationError):
    """A declaration uses the merge key ``<<``, which YAML 1.2 does not have.

    Write the keys out.
    """

    code = "ST107"


class SeveralDocuments(DeclarationError):
    """A file holds several YAML documents.

    One file declares one thing. Make a file of each.
    """

    code = "ST108"


class TemplateFound(DeclarationError):
    """A declaration holds template marks (``{{`` or ``{%``).

    Declarations are data and are never rendered. Use profiles for what differs between environments, and
    ``$start``, ``$end``, ``$partition`` and ``$env`` in SQL.
    """

    code = "ST109"


class TooDeep(DeclarationError):
    """A declaration nests more than 32 levels.

    No declaration needs that; look for a bracket that is not closed.
    """

    code = "ST110"


class KeyNotText(DeclarationError):
    """A key is not text.

    Quote it: ``"1":`` instead of ``1:``.
    """

    code = "ST111"


class UnknownKey(DeclarationError):
    """A key that this declaration does not have.

    It would do nothing, so it is refused. Mind the near miss in the hint, or remove it.
    """

    code = "ST115"


class MissingKey(DeclarationError):
    """A key that this declaration needs is not there.

    Add it; ``startrail schema`` prints what each declaration may say.
    """

    code = "ST116"


class WrongType(DeclarationError):
    """A value has the wrong shape: text for a number, a list for a mapping, and so on.

    Values follow YAML 1.2: only ``true`` and ``false`` are booleans, and ``1_000``, ``012``, ``12:30`` and
    ``2026-10-03`` are text.
    """

    code = "ST117"


class UnknownWord(DeclarationError):
    """A value is not one of the words that may stand there.

    Use one of those the hint names.
    """

    code = "ST118"


class BadValue(DeclarationError):
    """A value cannot be read: a duration, size, share, time zone, cron expression, type or number.

    The message says how to write it.
    """

    code = "ST119"


class SecretInText(DeclarationError):
    """A password or key stands in a declaration.

    Declarations lie in Git. Put the secret into the environment, a file or the keyring, and write ``env:NAME``,
    ``file:PATH`` or ``keyring:NAME``. Change the secret if it was ever committed.
    """

    code = "ST120"


class HeaderOpen(DeclarationError):
    """The ``/* startrail`` header of a model is not closed.

    End it with ``*/``.
    """

    code = "ST125"


class NotYet(DeclarationError):
    """Something that is planned but that this version cannot do.

    It is refused rather than done half. The hint names what works today.
    """

    code = "ST126"


class BadName(DeclarationError):
    """A name cannot be the name of a table.

    Tables are ``namespace.name``, lower-case letters, digits and underscores; a model's file is
    ``models/<namespace>/<name>.sql``.
    """

    code = "ST127"


class HeaderContradiction(DeclarationError):
    """Two keys of a model header do not go together.

    The message names them.
    """

    code = "ST128"


class BadCheck(DeclarationError):
    """A check of a model cannot be read.

    Each item of ``checks`` has one check word (not_null, unique, accepted_values, relationship, row_count,
    freshness, sql) and, if wanted, ``severity``.
    """

    code = "ST129"


class ContractStandard(DeclarationError):
    """A contract is of another standard, or of a version of it that is not read.

    Contracts are Open Data Contract Standard documents, ``apiVersion`` v3.0.0 to v3.2.0.
    """

    code = "ST130"


class ContractShape(DeclarationError):
    """A contract does not describe exactly one object with properties.

    Make one contract of each object (table).
    """

    code = "ST131"


class InexactType(DeclarationError):
    """A number in a contract has no exact type.

    Say how it is kept: ``physicalType: decimal(18,2)`` for money and anything counted, ``double`` for measurements.
    """

    code = "ST132"


class UnknownType(DeclarationError):
    """A type in a contract is not known, or does not go with its logical type.

    Give ``logicalType``, one of string, date, timestamp, time, number, integer, boolean, object, array, map.
    """

    code = "ST133"


class ContractContradiction(DeclarationError):
    """A contract contradicts itself.

    No row could keep such a promise, or it cannot be told what is promised. The message names both sides.
    """

    code = "ST134"


class NoProject(DeclarationError):
    """There is no project here.

    A project folder holds ``startrail.yml``. Change into it, or make one with ``startrail init``.
    """

    code = "ST140"


class UnknownReference(DeclarationError):
    """A declaration names something that is not declared.

    Mind the near miss in the hint, or add what is missing.
    """

    code = "ST141"


class NameTaken(DeclarationError):
    """Two declarations claim the same name.

    Rename one of them.
    """

    code = "ST142"


class ContractMissing(DeclarationError):
    """A source loads into a table without a contract.

    Nothing is loaded without one. Add ``contract: NAME``, or remove ``into`` to only land the bytes.
    """

    code = "ST143"


class ReportSubject(DeclarationError):
    """A report names neither or both of ``model`` and ``query``.

    It needs exactly one.
    """

    code = "ST144"


class FileIgnored(DeclarationError):
    """A file looks like a declaration, but its place or name means that nobody would read it.

    Rename or move it as the hint says.
    """

    code = "ST145"
