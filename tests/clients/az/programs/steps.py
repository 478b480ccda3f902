"""Runs commands of `az` (the argument) one after the other, with a memory of their own; prints what each answered.

The commands are told as a list. One that fails ends it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

answers = []
with tempfile.TemporaryDirectory(prefix="az") as folder:
    environ = {**os.environ, "AZURE_CONFIG_DIR": folder, "AZURE_CORE_COLLECT_TELEMETRY": "no"}
    for words in json.loads(os.environ["STEPS"]):
        command = (sys.argv[1], *words, "--output", "json")
        ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        if ran.returncode:
            sys.exit(f"az {' '.join(words[:3])}: {ran.stderr}")
        answers.append(json.loads(ran.stdout or "null"))
print(json.dumps(answers))
