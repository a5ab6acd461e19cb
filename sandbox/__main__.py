"""`python -m sandbox`: the bot in a world of its own, with a prompt or, without a terminal, its tour."""

import os
import sys

# gRPC reads this when it is imported; otherwise it writes a line of its own whenever a process is started.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from sandbox.console.main import main

sys.exit(main())
