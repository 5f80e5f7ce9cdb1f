"""`python -m postroom` is the command `postroom`."""

import sys

from postroom.cli import main

if __name__ == "__main__":
    sys.exit(main())
