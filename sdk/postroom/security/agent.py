"""An agent that lets in only messages that are signed, allowed and new.

class Diagnose(SecureAgent):
    def handle_message(self, message):
        self.authorize(message.sender, "diagnose")
        self.audit_log({"action": "diagnosis.made", "on": message.payload["patient"]})

agent = Diagnose("diagnose", auth_provider=TokenValidator("https://postroom.example"))
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from postroom import http
from postroom.agent import Agent
from postroom.errors import UnauthorisedError
from postroom.runtime.api import Hook
from postroom.security import claims
from postroom.security.keys import KeyRing
from postroom.security.secure import Security
from postroom.security.validator import AuthProvider

DENIED = "action.refused"


class SecureAgent(Agent):
    """Signs what it sends and checks what it gets. `auth_provider` None: the keys that Postroom publishes.

    `redis_url` is where replays are known by; a Redis broker serves by itself. `keys_file` is where its own keys are,
    for instances on several machines. `token_lifetime` is how long a message may wait until it is refused, in seconds.
    """

    def __init__(
        self,
        agent_id: str = "",
        *,
        auth_provider: AuthProvider | None = None,
        redis_url: str = "",
        keys_file: str = "",
        token_lifetime: float = claims.LIFETIME,
        **options: Any,
    ) -> None:
        super().__init__(agent_id, **options)
        self._auth_provider, self._redis_url = auth_provider, redis_url
        self._keys_file, self._lifetime = keys_file, token_lifetime

    @cached_property
    def security(self) -> Security:
        """What signs and checks, made when it is first needed."""
        known = self.settings
        return Security(
            self.staff.about,
            client=http.Client(http.from_environment(url=known.url or None, token=known.token or None)),
            auth_provider=self._auth_provider,
            ring=KeyRing(self.agent_id, Path(self._keys_file)) if self._keys_file else None,
            redis_url=self._redis_url,
            lifetime=self._lifetime,
        )

    def hooks(self) -> list[Hook]:
        return [*super().hooks(), self.security]

    def authorize(self, sender: str, action: str) -> bool:
        """True when Postroom's sender policies let this sender ask for this; else UnauthorisedError, which gives the
        message up as `unauthorised`. Every no is in the audit trail."""
        try:
            self.security.policies.require(sender, action)
        except UnauthorisedError as problem:
            self.audit_log({"action": DENIED, "on": sender, "reason": str(problem), "asked": action})
            raise
        return True

    def audit_log(self, entry: Mapping[str, Any]) -> str:
        """Write to Postroom's audit trail: `action`, and if you like `on`, `reason` and whatever else there is to say.
        On disk when this returns, in the trail when Postroom has it; TrailFullError when it could not be kept."""
        return self.security.write(entry)
