"""How static files are stored by `collectstatic`: under names that change with their content, compressed beside."""

from __future__ import annotations

from django.contrib.staticfiles.storage import HashedFilesMixin
from servestatic.storage import CompressedManifestStaticFilesStorage

# Statements at the start of a line, and awaited imports: what stands in a comment may name the file itself, and a
# name made of a content that holds the name has no end.
_STATEMENTS = (
    (
        r"""(?P<matched>(?m:^)(?P<what>(?:import|export)\s[^;"']*?from) "(?P<url>\.[^"]*)";)""",
        '%(what)s "%(url)s";',
    ),
    (r"""(?P<matched>(?m:^)import "(?P<url>\.[^"]*)";)""", 'import "%(url)s";'),
    (r"""(?P<matched>(?<=await )import\("(?P<url>\.[^"]*)"\))""", 'import("%(url)s")'),
)


class HashedStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Imports between our own ES modules are rewritten too, or a browser would mix two versions of them.

    Only in ours: scripts of packages name files that they do not ship.
    """

    patterns = (*HashedFilesMixin.patterns, ("js/*.js", _STATEMENTS))
    # One pass for each module on the longest way from an entry to a leaf.
    max_post_process_passes = 20
