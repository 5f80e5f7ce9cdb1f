"""How static files are stored by `collectstatic`: under names that change with their content, compressed beside."""

from __future__ import annotations

from django.contrib.staticfiles.storage import HashedFilesMixin
from servestatic.storage import CompressedManifestStaticFilesStorage

_, _IMPORTS = HashedFilesMixin._js_module_import_aggregation_patterns  # type: ignore[attr-defined]


class HashedStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Imports between our own ES modules are rewritten too, or a browser would mix two versions of them.

    Only in ours: scripts of packages name files that they do not ship.
    """

    patterns = (*HashedFilesMixin.patterns, ("js/*.js", _IMPORTS))
    # One pass for each module on the longest way from an entry to a leaf.
    max_post_process_passes = 20
