"""`python -m gatewise` is `gatewise`."""

import sys

from gatewise.cli import main

sys.exit(main())
