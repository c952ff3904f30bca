"""What ``logicalTypeOptions`` may say, by logical type, as the standard's JSON Schema has it."""

from __future__ import annotations

from typing import Literal

import msgspec


class _Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    pass


class StringOptions(_Options, frozen=True):
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    format: str | None = None


class DateOptions(_Options, frozen=True):
    format: str | None = None
    minimum: str | None = None
    maximum: str | None = None
    exclusive_minimum: str | None = None
    exclusive_maximum: str | None = None


class TimestampOptions(DateOptions, frozen=True):
    timezone: bool | None = None
    default_timezone: str | None = None


class NumberOptions(_Options, frozen=True):
    multiple_of: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    format: Literal["f32", "f64"] | None = None


class IntegerOptions(_Options, frozen=True):
    multiple_of: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    format: Literal["i8", "i16", "i32", "i64", "i128", "u8", "u16", "u32", "u64", "u128"] | None = None


class ObjectOptions(_Options, frozen=True):
    min_properties: int | None = None
    max_properties: int | None = None
    required: tuple[str, ...] = ()


class ArrayOptions(_Options, frozen=True):
    min_items: int | None = None
    max_items: int | None = None
    unique_items: bool | None = None


class NoOptions(_Options, frozen=True):
    pass


OPTIONS: dict[str, type[_Options]] = {
    "string": StringOptions,
    "date": DateOptions,
    "timestamp": TimestampOptions,
    "time": TimestampOptions,
    "number": NumberOptions,
    "integer": IntegerOptions,
    "boolean": NoOptions,
    "object": ObjectOptions,
    "array": ArrayOptions,
    "map": NoOptions,
    "vector": NoOptions,
}
