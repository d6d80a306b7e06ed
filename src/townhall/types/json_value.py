"""JSON values with a known shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic_core import InitErrorDetails

from townhall.input_error import InputError


def _refuse_nul(valid: BaseModel) -> None:
    problem = InputError("PostgreSQL's jsonb can't hold NUL")
    wrong = [
        InitErrorDetails(type="value_error", loc=(name,), input=field, ctx={"error": problem})
        for name, field in vars(valid).items()
        if isinstance(field, str) and "\0" in field
    ]
    if wrong:
        raise ValidationError.from_exception_data(type(valid).__name__, wrong)


class JsonValue(BaseModel):
    """An immutable value with a known shape, stored as a JSONB object.

    Python creates it with the keys of the shape and no others. Keys that another program stored
    beside them are kept when the value is read, and stored again with it.
    """

    model_config = ConfigDict(
        defer_build=True,
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        validate_default=True,
    )

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Self:
        """Return the value of a stored object, with all of its keys.

        Args:
            stored: The object, by the stored keys.

        Raises:
            pydantic.ValidationError: A key of the shape is missing or its value is not valid; the
                error names the path.
        """
        readable = cls.readable(stored)
        return cls.model_validate(readable, extra="allow", by_alias=True, by_name=False)

    @classmethod
    def readable(cls, stored: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a stored object with other values where those that others stored are not valid.

        Args:
            stored: The object, by the stored keys. What is valid has to stay as it is.
        """
        return stored

    def as_stored(self) -> dict[str, Any]:
        """Return the object to store: the stored keys, without those that were never set."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return the value with other fields, which are validated.

        Args:
            update: The fields to change, by name.
            deep: Whether to copy the other fields as well.

        Raises:
            pydantic.ValidationError: A changed field is not valid.
        """
        copied = super().model_copy(deep=deep)
        if not update:
            return copied
        known = {name: getattr(copied, name) for name in copied.model_fields_set}
        changed = type(self).model_validate({**known, **update})
        object.__setattr__(changed, "__pydantic_extra__", copied.model_extra)
        return changed

    @model_validator(mode="wrap")
    @classmethod
    def _checked(cls, value: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:  # noqa: ANN401 - what a value is made of
        """Refuse NUL, and take extra keys out of the set fields.

        pydantic counts extra keys as set fields, and a field as well whose name, not alias, is an
        extra key.
        """
        valid = validate(value)
        if valid is value:
            return valid
        _refuse_nul(valid)
        if valid.model_extra:
            fields = cls.model_fields.items()
            known = {name for name, field in fields if (field.alias or name) in value}
            object.__setattr__(valid, "__pydantic_fields_set__", known)
        return valid

    @model_serializer(mode="wrap")
    def _with_extra_keys(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {**serialize(self), **(self.model_extra or {})}
