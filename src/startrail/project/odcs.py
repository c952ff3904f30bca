"""Contracts: an Open Data Contract Standard document read into what loading needs (``model/contract.py``)."""

from __future__ import annotations

from pathlib import PurePosixPath

import msgspec

from startrail.base.text import printable
from startrail.model.contract import Contract, contract_fingerprint
from startrail.project import errors
from startrail.project.decode import decode
from startrail.project.odcs_extras import ContractExtras, ObjectExtras, read_extras
from startrail.project.odcs_fields import FieldReader
from startrail.project.odcs_form import Document, SchemaObject
from startrail.project.odcs_key import primary_key
from startrail.project.odcs_unenforced import not_enforced
from startrail.project.scalars import Problems
from startrail.project.yaml import Node, read_yaml

API_VERSIONS = ("v3.0.0", "v3.0.1", "v3.0.2", "v3.1.0", "v3.2.0")


def contract_name(path: str) -> str:
    """``contracts/orders.odcs.yml`` -> ``orders``."""
    return PurePosixPath(path).name.rsplit(".odcs.", 1)[0]


def read_contract(data: bytes, path: str, problems: Problems) -> Contract | None:
    """The contract in a document. Raises or appends what is wrong with it."""
    node = read_yaml(data, path)
    _check_standard(node)
    what = f"contract {contract_name(path)}"
    document = decode(node, Document, problems, what=what)
    if document is None:
        return None
    described = [_object_node(node)] if len(document.schema) == 1 else []
    if not described or not document.schema[0].properties:
        raise errors.ContractShape(
            f"{what} describes {len(document.schema)} objects"
            if not described
            else f"{what} describes an object without properties",
            at=node.place("schema"),
            hint="give schema one object with properties; one contract per table",
        )
    return _contract(document, document.schema[0], node, path, problems)


def _check_standard(node: Node) -> None:
    kind, version = node.find("kind"), node.find("apiVersion")
    if kind is not None and kind.value != "DataContract":
        raise errors.ContractStandard(f"kind is '{printable(kind.text, 40)}'", at=kind.at, hint="kind: DataContract")
    if version is not None and version.value not in API_VERSIONS:
        raise errors.ContractStandard(
            f"apiVersion '{printable(version.text, 40)}' is not read", at=version.at, hint="one of " + ", ".join(API_VERSIONS)
        )


def _object_node(node: Node) -> Node:
    objects = node.find("schema")
    return objects.value[0] if objects is not None and isinstance(objects.value, list) else node


def _contract(document: Document, described: SchemaObject, node: Node, path: str, problems: Problems) -> Contract | None:
    before = len(problems)
    extras = read_extras(ContractExtras, document.custom_properties, node, problems)
    top = _object_node(node)
    own = read_extras(ObjectExtras, described.custom_properties, top, problems)
    fields = FieldReader(problems, closed=extras.closed).fields(described.properties, top)
    key = primary_key(described.properties, top, problems)
    if len(problems) > before:
        return None
    contract = Contract(
        contract_name(path),
        document.version,
        fields,
        node.at,
        primary_key=key,
        closed=extras.closed or own.closed,
        compatibility=extras.compatibility,
        consumers=extras.consumers,
        description=described.description or (document.description.purpose if document.description else None),
        not_enforced=not_enforced(node),
    )
    return msgspec.structs.replace(contract, fingerprint=contract_fingerprint(contract))
