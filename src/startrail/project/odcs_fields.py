"""The properties of an ODCS object as fields: type, bounds, format and words, each exact or refused."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from startrail.base.errors import StartrailError
from startrail.base.text import did_you_mean, printable
from startrail.base.time import zone
from startrail.model.contract import Field, Format
from startrail.model.types import DataType, ListOf, MapOf, Primitive, StructOf
from startrail.project import errors
from startrail.project.decode import decode
from startrail.project.odcs_bounds import bounds
from startrail.project.odcs_form import OPTIONS, CustomProperty, Property
from startrail.project.odcs_types import WHOLE_NUMBERS, check_pattern, exact, logical_of, physical, strptime_pattern
from startrail.project.scalars import Problems
from startrail.project.yaml import Node

T = TypeVar("T")
VENDOR = "startrail"


class Extras(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The properties of vendor ``startrail`` that a field may have."""

    aliases: tuple[str, ...] = ()
    enum: tuple[str | int | float | bool, ...] | None = None
    unit: str | None = None
    pattern: str | None = None
    """How dates and times are written: a strptime or JDK pattern. ``logicalTypeOptions.format`` is the standard's place."""
    timezone: str | None = None
    decimal_separator: str | None = None
    true_words: tuple[str, ...] | None = None
    false_words: tuple[str, ...] | None = None
    null_words: tuple[str, ...] | None = None


class FieldReader:
    """Reads properties, adding what is wrong to ``problems``."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems

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

    def field(self, form: Property, node: Node, *, required: bool = False, name: str | None = None) -> Field | None:
        """One property, item or map side; None when it is wrong."""
        before = len(self.problems)
        name = form.name or name or ""
        given = physical(form.physical_type) if form.physical_type else None
        logical = form.logical_type or (logical_of(given) if given is not None else None)
        if logical is None:
            self._say(self._no_type(form, node, name))
            return None
        options = self._options(logical, node)
        extras = self._extras(form.custom_properties, node)
        if len(self.problems) > before:
            return None
        children, item, kind = self._type(form, node, logical, given, options, name)
        if kind is None:
            return None
        low, high = self._caught(lambda: bounds(kind, node, options), node) or (None, None)
        shape = self._format(kind, node, options, extras)
        self._pattern(node, options)
        self._lengths(node, options)
        enum = self._enum(form, node, extras)
        if len(self.problems) > before:
            return None
        return Field(
            name,
            kind,
            required=bool(form.required) or required or form.primary_key,
            unique=form.unique,
            enum=enum,
            minimum=low,
            maximum=high,
            min_length=getattr(options, "min_length", None),
            max_length=getattr(options, "max_length", None),
            pattern=getattr(options, "pattern", None),
            format=shape or Format(),
            aliases=extras.aliases,
            unit=extras.unit,
            description=form.description,
            fields=children,
            item=item,
            span=node.at,
        )

    def primary_key(self, properties: tuple[Property, ...], parent: Node) -> tuple[str, ...]:
        """Names of the key's columns in their declared order."""
        nodes = _items(parent.find("properties"))
        keyed: list[tuple[int, str]] = []
        for form, node in zip(properties, nodes, strict=True):
            position, at = form.primary_key_position, node.place("primaryKeyPosition")
            name = printable(form.name or "", 60)
            if position != -1 and not form.primary_key:
                self._contradict(f"'{name}' has a primaryKeyPosition but is not primaryKey", at, "add primaryKey: true")
            elif form.primary_key:
                if form.required is False:
                    self._contradict(f"'{name}' is in the primary key but not required", node.place("required"), "required: true")
                keyed.append((position, form.name or ""))
        positions = [position for position, _ in keyed if position != -1]
        if len(set(positions)) < len(positions) or (positions and (len(positions) < len(keyed) or min(positions) < 1)):
            self._contradict(
                "the positions of the primary key are not distinct numbers from 1",
                parent.place("properties"),
                "give each primaryKey its own primaryKeyPosition",
            )
        return tuple(name for _, name in sorted(keyed, key=lambda entry: entry[0]))

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
            return self._integer(node, chosen, options)
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

    def _integer(self, node: Node, chosen: DataType | None, options: Any) -> DataType | None:
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
        return chosen or WHOLE_NUMBERS[options.format][0]

    def _options(self, logical: str, node: Node) -> Any:
        """The options as the Struct of their logical type."""
        given = node.find("logicalTypeOptions")
        form = OPTIONS[logical]
        if given is None or logical == "vector":
            return form()
        return decode(given, form, self.problems, what=f"logicalTypeOptions of {logical}")

    def _extras(self, properties: tuple[CustomProperty, ...], node: Node) -> Extras:
        """The custom properties that are for us; those of other vendors are theirs."""
        ours: dict[str, Node] = {}
        places = _items(node.find("customProperties"))
        for custom, place in zip(properties, places, strict=True):
            value = place.find("value")
            if custom.vendor == VENDOR and value is not None:
                ours[custom.property] = msgspec.structs.replace(value, key=place.place("property"))
        if not ours:
            return Extras()
        found = decode(Node(node.place("customProperties"), ours), Extras, self.problems, what=f"properties of vendor {VENDOR}")
        return found or Extras()

    def _format(self, kind: DataType, node: Node, options: Any, extras: Extras) -> Format | None:
        place = node.place("logicalTypeOptions", "format")
        written = extras.pattern
        if str(kind) in ("date", "time", "timestamp", "timestamptz"):
            written = written or getattr(options, "format", None)
        pattern = self._caught(lambda: strptime_pattern(written), node, place) if written else None
        if pattern == "%Y-%m-%d" and str(kind) == "date":
            pattern = None
        name = extras.timezone or getattr(options, "default_timezone", None)
        if name is not None:
            self._caught(lambda: zone(name), node, node.place("logicalTypeOptions", "defaultTimezone"))
        separator = extras.decimal_separator or "."
        if separator not in (".", ","):
            self._contradict("decimalSeparator must be '.' or ','", node.place("customProperties"), "mend it")
        words = (extras.true_words or ("true",), extras.false_words or ("false",))
        if set(words[0]) & set(words[1]):
            self._contradict("a word is both true and false", node.place("customProperties"), "mend trueWords and falseWords")
        return Format(pattern, name, separator, *words, extras.null_words)

    def _pattern(self, node: Node, options: Any) -> None:
        text = getattr(options, "pattern", None)
        if text is not None:
            place = node.place("logicalTypeOptions", "pattern")
            try:
                check_pattern(text)
            except ValueError as error:
                self._say(errors.ContractContradiction(f"pattern: {error}", at=place, hint="mend the regular expression"))

    def _lengths(self, node: Node, options: Any) -> None:
        for low, high, key in (("min_length", "max_length", "minLength"), ("min_items", "max_items", "minItems")):
            least, most = getattr(options, low, None), getattr(options, high, None)
            if least is not None and most is not None and least > most:
                at = node.place("logicalTypeOptions", key)
                self._contradict(f"{key} {least} is greater than {key.replace('min', 'max')} {most}", at, "swap or mend them")

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

    def _caught(self, act: Any, node: Node, place: Any = None) -> Any:
        """The result, or None after a ValueError became a problem."""
        try:
            return act()
        except ValueError as error:
            self._say(errors.BadValue(printable(str(error), 300), at=place or node.at, hint="mend it"))
        except StartrailError as error:
            self._say(error)
        return None

    def _contradict(self, message: str, at: Any, hint: str) -> None:
        self._say(errors.ContractContradiction(message, at=at, hint=hint))

    def _say(self, problem: StartrailError) -> None:
        self.problems.append(problem)


def _items(node: Node | None) -> list[Node]:
    return node.value if node is not None and isinstance(node.value, list) else []


def _text_of(node: Node | None) -> str:
    """A value as it is written, which is what text of a delivery is compared with."""
    return node.text if node is not None else ""
