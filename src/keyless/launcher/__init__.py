"""`keyless run`: the child process, its lease, its identity port and its proxy.

Standard library, client and model only. What runs before the child is started avoids slow imports; asyncio and what
needs it come after (`serve.py`).
"""
