"""Static files from the web process itself: hashed names are kept by browsers for ever, the rest for a minute."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from servestatic import ServeStaticASGI

from core.passing_on import Application


def served(application: Application) -> Application:
    """The application, with static files before it. While developing, as they lie in the tree."""
    prefix = settings.STATIC_URL.strip("/")
    if not settings.DEBUG:
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
        return cast("Application", _server(application, root=settings.STATIC_ROOT, prefix=prefix))
    files = _server(application, autorefresh=True, max_age=0)
    for finder in get_finders():
        for storage in getattr(finder, "storages", {}).values():
            files.add_files(storage.location, prefix)
    return cast("Application", files)


def _server(application: Application, **how: Any) -> Any:
    return ServeStaticASGI(application, allow_all_origins=False, **how)
