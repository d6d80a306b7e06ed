"""JSON values with a known shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from townhall.input_error import InputError


class JsonValue(BaseModel):
    """An immutable value with a known shape, stored as a JSONB object.

    Python creates it with the keys of the shape and no others. Keys that another program stored
    beside them are kept when the value is read, and stored again with it.
    """

    model_config = ConfigDict(
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
        return cls.model_validate(stored, extra="allow", by_alias=True, by_name=False)

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

    @field_validator("*")
    @classmethod
    def _without_nul(cls, value: Any) -> Any:  # noqa: ANN401 - any field's
        if isinstance(value, str) and "\0" in value:
            raise InputError("PostgreSQL's jsonb can't hold NUL")
        return value

    @model_validator(mode="wrap")
    @classmethod
    def _without_extra_keys_among_the_set_fields(
        cls,
        value: Any,  # noqa: ANN401 - what a value is made of
        validate: ModelWrapValidatorHandler[Self],
    ) -> Self:
        valid = validate(value)
        if valid.model_extra and valid is not value:
            # pydantic counts extra keys as set fields, and a field as well whose name, not alias,
            # is an extra key.
            fields = cls.model_fields.items()
            known = {name for name, field in fields if (field.alias or name) in value}
            object.__setattr__(valid, "__pydantic_fields_set__", known)
        return valid

    @model_serializer(mode="wrap")
    def _with_extra_keys(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {**serialize(self), **(self.model_extra or {})}
