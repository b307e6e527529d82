"""The protobuf wire format, read without a schema and without trusting any length in it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Union

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

_MAX_PACKED = 1 << 24

Raw = Union[int, memoryview]


class DamagedError(ValueError):
    """What is wrong with a file, as the end of the sentence "FILE cannot be imported: …" or "FILE cannot be read: …"."""


def fields(data: memoryview) -> Iterator[tuple[int, Raw]]:
    """The fields of a message, in file order.

    Args:
        data: the message's bytes; what is given out are views of it, so nothing is copied.

    Returns:
        Pairs of field number and value: an ``int`` for a varint, else a view of the bytes.

    Raises:
        DamagedError: the bytes are no protobuf message, or end too early.
    """
    at, end = 0, len(data)
    while at < end:
        key, at = varint(data, at)
        number, wire_type = key >> 3, key & 7
        if number == 0:
            raise DamagedError("it is damaged, or in another format")
        if wire_type == VARINT:
            value, at = varint(data, at)
            yield number, value
            continue
        if wire_type == BYTES:
            size, at = varint(data, at)
        elif wire_type in (FIXED64, FIXED32):
            size = 8 if wire_type == FIXED64 else 4
        else:
            raise DamagedError("it is damaged, or in another format")
        if size > end - at:
            raise DamagedError("it ends too early; fetch the file again")
        yield number, data[at : at + size]
        at += size


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """The unsigned 64-bit number at a place, and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise DamagedError("it ends too early; fetch the file again")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
    raise DamagedError("it is damaged, or in another format")


def signed(value: Raw) -> int:
    """A varint read as int32 or int64."""
    number = integer(value)
    return number - (1 << 64) if number >= 1 << 63 else number


def integer(value: Raw) -> int:
    """A varint field's value."""
    if not isinstance(value, int):
        raise DamagedError("it holds bytes where a number belongs")
    return value


def view(value: Raw) -> memoryview:
    """A bytes field's value."""
    if isinstance(value, int):
        raise DamagedError("it holds a number where bytes belong")
    return value


def text(value: Raw) -> str:
    """A string field's value."""
    try:
        return bytes(view(value)).decode("utf-8")
    except UnicodeDecodeError as e:
        raise DamagedError("it holds text that is not UTF-8") from e


def real(value: Raw) -> float:
    """A float or double field's value."""
    raw = view(value)
    if len(raw) not in (4, 8):
        raise DamagedError("it holds a number of an unknown size")
    number: float = struct.unpack("<f" if len(raw) == 4 else "<d", raw)[0]
    return number


def integers(value: Raw) -> list[int]:
    """A repeated int32 or int64 field's entry: one number, or many packed into bytes."""
    if isinstance(value, int):
        return [signed(value)]
    numbers: list[int] = []
    at = 0
    while at < len(value):
        if len(numbers) > _MAX_PACKED:
            raise DamagedError("it holds too many numbers in one row")
        number, at = varint(value, at)
        numbers.append(signed(number))
    return numbers
