"""What an Open Data Contract Standard document may say, v3.0 to v3.2, as its JSON Schema has it.

Only the shape: what loading needs of it is taken by ``odcs.py``; the rest is checked and left alone.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Value = str | int | float | bool | None
"""A single value."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    id: str | None = None


class AuthoritativeDefinition(_Part, frozen=True, kw_only=True):
    url: str
    type: str
    description: str | None = None


class CustomProperty(_Part, frozen=True, kw_only=True):
    property: str
    value: Any
    description: str | None = None
    vendor: str | None = None


class _Described(_Part, frozen=True, kw_only=True):
    tags: tuple[str, ...] = ()
    custom_properties: tuple[CustomProperty, ...] = ()
    authoritative_definitions: tuple[AuthoritativeDefinition, ...] = ()
    description: str | None = None


class Description(_Part, frozen=True, kw_only=True):
    usage: str | None = None
    purpose: str | None = None
    limitations: str | None = None
    authoritative_definitions: tuple[AuthoritativeDefinition, ...] = ()
    custom_properties: tuple[CustomProperty, ...] = ()


class Role(_Part, frozen=True, kw_only=True):
    role: str
    description: str | None = None
    access: str | None = None
    first_level_approvers: str | None = None
    second_level_approvers: str | None = None
    custom_properties: tuple[CustomProperty, ...] = ()


class Server(_Part, frozen=True, kw_only=True):
    """All keys of all server types: where the data lies is the producer's business."""

    server: str
    type: str
    description: str | None = None
    environment: str | None = None
    roles: tuple[Role, ...] = ()
    custom_properties: tuple[CustomProperty, ...] = ()
    account: str | None = None
    catalog: str | None = None
    catalog_url: str | None = None
    database: str | None = None
    dataset: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    endpoint_url: str | None = None
    format: str | None = None
    host: str | None = None
    location: str | None = None
    namespace: str | None = None
    path: str | None = None
    port: int | str | None = None
    project: str | None = None
    region: str | None = None
    region_name: str | None = None
    schema: str | None = None
    service_name: str | None = None
    staging_dir: str | None = None
    stream: str | None = None
    warehouse: str | None = None
    workgroup: str | None = None


class Support(_Part, frozen=True, kw_only=True):
    channel: str
    url: str | None = None
    description: str | None = None
    tool: str | None = None
    scope: str | None = None
    invitation_url: str | None = None
    custom_properties: tuple[CustomProperty, ...] = ()


class Pricing(_Part, frozen=True, kw_only=True):
    price_amount: float | None = None
    price_currency: str | None = None
    price_unit: str | None = None


class TeamMember(_Described, frozen=True, kw_only=True):
    username: str
    name: str | None = None
    role: str | None = None
    date_in: str | None = None
    date_out: str | None = None
    replaced_by_username: str | None = None


class Team(_Described, frozen=True, kw_only=True):
    name: str | None = None
    members: tuple[TeamMember, ...] = ()


class SlaProperty(_Part, frozen=True, kw_only=True):
    property: str
    value: Value
    value_ext: Value = None
    unit: str | None = None
    element: str | None = None
    driver: str | None = None
    description: str | None = None
    scheduler: str | None = None
    schedule: str | None = None
    custom_properties: tuple[CustomProperty, ...] = ()
    authoritative_definitions: tuple[AuthoritativeDefinition, ...] = ()


class Quality(_Described, frozen=True, kw_only=True):
    """A quality rule. Loading does not run them."""

    name: str | None = None
    type: Literal["text", "library", "sql", "custom"] | None = None
    business_impact: str | None = None
    dimension: str | None = None
    method: str | None = None
    schedule: str | None = None
    scheduler: str | None = None
    severity: str | None = None
    unit: str | None = None
    metric: str | None = None
    rule: str | None = None
    arguments: dict[str, Any] | None = None
    query: str | None = None
    engine: str | None = None
    implementation: Any = None
    must_be: Any = None
    must_not_be: Any = None
    must_be_greater_than: float | None = None
    must_be_greater_or_equal_to: float | None = None
    must_be_less_than: float | None = None
    must_be_less_or_equal_to: float | None = None
    must_be_between: tuple[float, ...] | None = None
    must_not_be_between: tuple[float, ...] | None = None


class Relationship(_Part, frozen=True, kw_only=True):
    type: str | None = None
    from_: str | tuple[str, ...] | None = msgspec.field(default=None, name="from")
    to: str | tuple[str, ...] | None = None
    custom_properties: tuple[CustomProperty, ...] = ()


class Synonym(_Part, frozen=True, kw_only=True):
    synonym: str
    description: str | None = None
    locale: str | None = None
    source: str | None = None
    status: str | None = None
    custom_properties: tuple[CustomProperty, ...] = ()


class EnumValue(_Described, frozen=True, kw_only=True):
    value: Value
    label: str | None = None


class VerifiedStatement(_Described, frozen=True, kw_only=True):
    question: str
    answer: str | None = None


class Constraint(_Described, frozen=True, kw_only=True):
    constraint: str


class Context(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    instructions: str | None = None
    verified_statements: tuple[VerifiedStatement, ...] = ()
    constraints: tuple[Constraint, ...] = ()


class _Element(_Described, frozen=True, kw_only=True):
    """What objects and properties share."""

    physical_type: str | None = None
    physical_name: str | None = None
    business_name: str | None = None
    deprecated: bool = False
    synonyms: tuple[Synonym, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    quality: tuple[Quality, ...] = ()


LogicalType = Literal["string", "date", "timestamp", "time", "number", "integer", "object", "array", "boolean", "map", "vector"]


class Property(_Element, frozen=True, kw_only=True):
    """A property, an array's item (which needs no name), or a side of a map."""

    name: str | None = None
    logical_type: LogicalType | None = None
    logical_type_options: dict[str, Any] = {}
    """Checked against ``odcs_options.OPTIONS`` of the logical type."""
    primary_key: bool = False
    primary_key_position: int = -1
    semantic_type: Literal["column", "measure", "dimension"] = "column"
    required: bool | None = None
    unique: bool = False
    partitioned: bool = False
    partition_key_position: int = -1
    classification: str | None = None
    encrypted_name: str | None = None
    transform_source_objects: tuple[str, ...] = ()
    transform_logic: str | None = None
    transform_description: str | None = None
    examples: tuple[Any, ...] = ()
    enum: tuple[EnumValue, ...] | None = None
    critical_data_element: bool = False
    properties: tuple[Property, ...] = ()
    items: Property | None = None
    map: MapSides | None = None


class MapSides(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: Property
    value: Property


class SchemaObject(_Element, frozen=True, kw_only=True):
    name: str
    logical_type: Literal["object"] = "object"
    data_granularity_description: str | None = None
    properties: tuple[Property, ...] = ()
    context: str | Context | None = None


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The whole contract."""

    id: str
    version: str
    api_version: str
    kind: str
    name: str | None = None
    status: str | None = None
    tenant: str | None = None
    tags: tuple[str, ...] = ()
    servers: tuple[Server, ...] = ()
    data_product: str | None = None
    description: Description | None = None
    domain: str | None = None
    context: str | Context | None = None
    schema: tuple[SchemaObject, ...] = ()
    support: tuple[Support, ...] = ()
    price: Pricing | None = None
    team: Team | tuple[TeamMember, ...] | None = None
    roles: tuple[Role, ...] = ()
    sla_default_element: str | None = None
    sla_properties: tuple[SlaProperty, ...] = ()
    authoritative_definitions: tuple[AuthoritativeDefinition, ...] = ()
    custom_properties: tuple[CustomProperty, ...] = ()
    contract_created_ts: str | None = None
