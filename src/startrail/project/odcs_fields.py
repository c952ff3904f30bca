"""The properties of an ODCS object as fields: type, bounds, format and words, each exact or refused."""

from __future__ import annotations

from typing import Any

from startrail.base.errors import StartrailError
from startrail.base.text import did_you_mean, printable
from startrail.model.contract import Field
from startrail.model.types import DataType, ListOf, MapOf, Primitive, StructOf
from startrail.project import errors
from startrail.project.decode import decode
from startrail.project.odcs_bounds import bounds
from startrail.project.odcs_checks import contradictions
from startrail.project.odcs_extras import Extras, default_of, read_extras
from startrail.project.odcs_form import Property
from startrail.project.odcs_format import read_format
from startrail.project.odcs_options import OPTIONS
from startrail.project.odcs_types import WHOLE_NUMBERS, clash, exact, logical_of, physical
from startrail.project.scalars import Problems
from startrail.project.yaml import Node


class FieldReader:
    """Reads properties, adding what is wrong to ``problems``. ``closed``: no object inside may have undeclared fields."""

    def __init__(self, problems: Problems, *, closed: bool = False) -> None:
        self.problems = problems
        self.closed = closed

    def fields(self, properties: tuple[Property, ...], parent: Node, required: tuple[str, ...] = ()) -> tuple[Field, ...]:
        """The fields of an object, in order."""
        nodes = _items(parent.find("properties"))
        found: list[Field] = []
        taken: dict[str, str] = {}
        for form, node in zip(properties, nodes, strict=True):
            name = form.name or ""
            if not name:
                self._say(errors.MissingKey("a property needs 'name'", at=node.at, hint="add 'name:'"))
            elif name.lower() in taken:
                self._say(
                    errors.ContractContradiction(
                        f"property '{printable(name, 60)}' stands twice",
                        at=node.place("name"),
                        hint="names differ by more than letter case",
                    )
                )
            taken[name.lower()] = name
            field = self.field(form, node, required=name in required)
            if field is not None:
                found.append(field)
        self._names(found)
        for name in required:
            if name.lower() not in taken:
                self._say(
                    errors.ContractContradiction(
                        f"required names '{printable(name, 60)}', which is no property of the object",
                        at=parent.place("logicalTypeOptions", "required"),
                        hint=did_you_mean(name, taken.values()),
                    )
                )
        return tuple(found)

    def _names(self, fields: list[Field]) -> None:
        """A name that means two fields."""
        meaning = {field.name: field.name for field in fields}
        for field in fields:
            for alias in field.aliases:
                other = meaning.setdefault(alias, field.name)
                if other != field.name and field.span is not None:
                    message = f"'{printable(alias, 60)}' is an alias of '{printable(field.name, 60)}' and means "
                    message += f"'{printable(other, 60)}' as well"
                    self._contradict(message, field.span, "give the alias to one of them")

    def field(self, form: Property, node: Node, *, required: bool = False, name: str | None = None) -> Field | None:
        """One property, item or map side; None when it is wrong."""
        before = len(self.problems)
        name = form.name or name or ""
        given = physical(form.physical_type) if form.physical_type else None
        logical = form.logical_type or (logical_of(given) if given is not None else None)
        if logical is None:
            self._say(self._no_type(form, node, name))
            return None
        if clash(logical, given):
            self._clash(node, name, f"logicalType {logical}", form.physical_type or "")
        options = self._options(logical, node)
        extras = read_extras(Extras, form.custom_properties, node, self.problems)
        if len(self.problems) > before:
            return None
        children, item, kind = self._type(form, node, logical, given, options, name)
        if kind is None:
            return None
        low, high = self._bounds(kind, node, options)
        shape = read_format(kind, node, options, extras, self.problems)
        enum = self._enum(form, node, extras)
        if len(self.problems) > before:
            return None
        field = Field(
            name,
            kind,
            required=bool(form.required) or required or form.primary_key,
            unique=form.unique,
            enum=enum,
            enum_open=extras.enum_open,
            minimum=low,
            maximum=high,
            min_length=getattr(options, "min_length", None),
            max_length=getattr(options, "max_length", None),
            pattern=getattr(options, "pattern", None),
            format=shape,
            aliases=extras.aliases,
            default=default_of(node, extras),
            closed=isinstance(kind, StructOf) and (extras.closed or self.closed),
            unit=extras.unit,
            consumers=extras.consumers,
            description=form.description,
            fields=children,
            item=item,
            span=node.at,
        )
        self.problems += contradictions(field, form, node, options, extras)
        return field if len(self.problems) == before else None

    def _type(
        self, form: Property, node: Node, logical: str, given: DataType | None, options: Any, name: str
    ) -> tuple[tuple[Field, ...], Field | None, DataType | None]:
        """Fields of an object, item of an array, and the type."""
        if logical == "object":
            children = self._nested(self.fields(form.properties, node, options.required), form, node, name)
            return children, None, StructOf(tuple((child.name, child.type) for child in children)) if children else None
        if logical == "array":
            inner = node.find("items")
            if form.items is None or inner is None:
                self._say(errors.MissingKey(f"array '{name}' needs 'items'", at=node.at, hint="add 'items:' with a logicalType"))
                return (), None, None
            item = self.field(form.items, inner, name="element")
            return (), item, ListOf(item.type) if item is not None else None
        if logical == "map":
            return self._map(form, node, name)
        if logical == "vector":
            self._say(errors.NotYet("logicalType vector is not there yet", at=node.place("logicalType"), hint="use array"))
            return (), None, None
        return (), None, self._scalar(form, node, logical, given, options, name)

    def _nested(self, children: tuple[Field, ...], form: Property, node: Node, name: str) -> tuple[Field, ...]:
        if not form.properties:
            self._say(errors.MissingKey(f"object '{name}' needs 'properties'", at=node.at, hint="add 'properties:'"))
        for child, inner in zip(form.properties, _items(node.find("properties")), strict=True):
            if child.primary_key:
                message = f"the primary key names '{printable(child.name or '', 60)}', which is no column of the table"
                self._contradict(message, inner.place("primaryKey"), "only properties of the object itself can be its key")
        return children

    def _map(self, form: Property, node: Node, name: str) -> tuple[tuple[Field, ...], Field | None, DataType | None]:
        key_node, value_node = node.find("map", "key"), node.find("map", "value")
        if form.map is None or key_node is None or value_node is None:
            self._say(errors.MissingKey(f"map '{name}' needs 'map'", at=node.at, hint="add 'map:' with key and value"))
            return (), None, None
        key = self.field(form.map.key, key_node, name="key")
        value = self.field(form.map.value, value_node, name="value")
        if key is None or value is None:
            return (), None, None
        return (), None, MapOf(key.type, value.type)

    def _scalar(
        self, form: Property, node: Node, logical: str, given: DataType | None, options: Any, name: str
    ) -> DataType | None:
        chosen = exact(logical, given)
        if logical == "timestamp":
            return self._timestamp(node, chosen, options)
        if logical == "integer":
            return self._integer(form, node, chosen, options, name)
        if logical == "number":
            by_format = {"f32": Primitive("float"), "f64": Primitive("double")}.get(options.format)
            if chosen is None and by_format is None:
                self._say(
                    errors.InexactType(
                        f"number '{printable(name, 60)}' has no exact type",
                        at=node.place("physicalType") if form.physical_type else node.place("logicalType"),
                        hint="add physicalType: decimal(18,2), or double for measurements",
                    )
                )
            if chosen is not None and by_format is not None and chosen != by_format:
                self._clash(node, name, f"format {options.format}", form.physical_type or "")
            return chosen or by_format
        if logical == "string" and options.format == "uuid":
            return Primitive("uuid")
        return chosen or Primitive(logical)

    def _timestamp(self, node: Node, chosen: DataType | None, options: Any) -> DataType:
        instant = chosen == Primitive("timestamptz")
        if options.timezone is False and instant:
            self._contradict(
                "timezone: false, but the physical type has a zone", node.place("logicalTypeOptions", "timezone"), "remove one"
            )
        if options.timezone or instant or (options.timezone is None and options.default_timezone is not None):
            return Primitive("timestamptz")
        return Primitive("timestamp")

    def _integer(self, form: Property, node: Node, chosen: DataType | None, options: Any, name: str) -> DataType | None:
        if options.format is None:
            return chosen or Primitive("long")
        if options.format not in WHOLE_NUMBERS:
            self._say(
                errors.InexactType(
                    f"format {options.format} has more digits than any type keeps",
                    at=node.place("logicalTypeOptions", "format"),
                    hint="use i64, or number with physicalType: decimal(38,0)",
                )
            )
            return None
        kept = WHOLE_NUMBERS[options.format][0]
        if chosen == Primitive("int") and kept != chosen:
            self._clash(node, name, f"format {options.format}", form.physical_type or "")
        return chosen or kept

    def _options(self, logical: str, node: Node) -> Any:
        """The options as the Struct of their logical type."""
        given = node.find("logicalTypeOptions")
        form = OPTIONS[logical]
        if given is None or logical == "vector":
            return form()
        return decode(given, form, self.problems, what=f"logicalTypeOptions of {logical}")

    def _clash(self, node: Node, name: str, promise: str, stored: str) -> None:
        message = f"'{printable(name, 60)}' has {promise}, and physicalType '{printable(stored, 40)}', which is none"
        self._contradict(message, node.place("physicalType"), "mend one of them")

    def _bounds(self, kind: DataType, node: Node, options: Any) -> tuple[str | None, str | None]:
        try:
            return bounds(kind, node, options)
        except StartrailError as error:
            self._say(error)
        return None, None

    def _enum(self, form: Property, node: Node, extras: Extras) -> tuple[str, ...] | None:
        if form.enum is not None:
            values = tuple(_text_of(item.find("value")) for item in _items(node.find("enum")))
        elif extras.enum is not None:
            custom = next(item for item in _items(node.find("customProperties")) if _text_of(item.find("property")) == "enum")
            values = tuple(_text_of(item) for item in _items(custom.find("value")))
        else:
            return None
        if not values or len(set(values)) < len(values):
            self._contradict("enum is empty or names a value twice", node.place("enum"), "name each value once")
        return values

    def _no_type(self, form: Property, node: Node, name: str) -> StartrailError:
        if form.physical_type:
            message = f"physicalType '{printable(form.physical_type, 60)}' of '{printable(name, 60)}' is not known"
            return errors.UnknownType(message, at=node.place("physicalType"), hint="add logicalType")
        return errors.UnknownType(f"'{printable(name, 60)}' has no type", at=node.at, hint="add logicalType")

    def _contradict(self, message: str, at: Any, hint: str) -> None:
        self._say(errors.ContractContradiction(message, at=at, hint=hint))

    def _say(self, problem: StartrailError) -> None:
        self.problems.append(problem)


def _items(node: Node | None) -> list[Node]:
    return node.value if node is not None and isinstance(node.value, list) else []


def _text_of(node: Node | None) -> str:
    """A value as it is written, which is what text of a delivery is compared with."""
    return node.text if node is not None else ""
