"""`python -m migrator.simulator --port N [--scenario NAME|FILE] [--seed N] [--state DIR] [--speed FACTOR]`."""

import sys

from migrator.simulator.server import main

sys.exit(main())
