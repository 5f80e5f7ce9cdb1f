"""What access refuses to do, each with what to do instead."""

from __future__ import annotations


class AccessError(Exception):
    """A change of access that is not possible. The text says why, and what to do instead."""


class BuiltInRoleError(AccessError):
    """Built-in roles are the same everywhere. Copy the role under another name and change the copy."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class RoleInUseError(AccessError):
    """Somebody has this role. Take its grants away first."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class LastManagerError(AccessError):
    """Nobody would be left who may manage access everywhere. Give somebody else that right first."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class OtherRightsError(AccessError):
    """The account has other rights than those asked for."""


class NotYoursError(AccessError):
    """Nobody decides about what they asked for themselves. Another approver must."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class ChangedSinceError(AccessError):
    """What was asked for is not what you were shown. Open it again and look before you decide."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class AlreadyGoneError(AccessError):
    """It was revoked or taken away already."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class AlreadyDecidedError(AccessError):
    """This was decided, withdrawn or has expired in the meantime. Open it again to see what became of it."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)
