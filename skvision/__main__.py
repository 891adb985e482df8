"""``python -m skvision`` is the command ``skvision``."""

import sys

from skvision.cli import main

sys.exit(main())
