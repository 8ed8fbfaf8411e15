"""What `--test` may say: which part of the data is kept from training, to be judged on."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field


def _checked(value: int | float | str) -> int | float | str:
    """A share below 1 as float, a number as int, anything else as the path of a file."""
    if isinstance(value, str) or 0 < value < 1:
        return value
    if value >= 1 and value == value // 1:
        return int(value)
    raise ValueError(
        f"test should be a share between 0 and 1, a whole number, or the path of a file, "
        f"not {value!r}"
    )


HeldOut = Annotated[int | float | str, Field(union_mode="left_to_right"), AfterValidator(_checked)]
