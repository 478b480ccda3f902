"""The shapes of hosts that an instance can find, and the faults that it can ask for, by the names that users write.

Owns the names, which the launcher and the server share. What a shape is, is told where it is served (`workload/`).
Imports nothing: the launcher has to start quickly.
"""

from __future__ import annotations

APP_SERVICE = "app-service"
APP_SERVICE_2017 = "app-service-2017"
CLOUD_SHELL = "cloud-shell"
IMDS = "imds"
ARC = "arc"
SERVICE_FABRIC = "service-fabric"
WORKLOAD_IDENTITY = "workload-identity"

#: The shapes of hosts; the first is what an instance gets that names none.
HOSTS = (APP_SERVICE, APP_SERVICE_2017, CLOUD_SHELL, IMDS, ARC, SERVICE_FABRIC, WORKLOAD_IDENTITY)

THROTTLE = "throttle"
SLOW = "slow"
EXPIRE_SOON = "expire-soon"
UNAVAILABLE = "unavailable"

#: What an instance may ask to be troubled with, so that a program can be tried on a bad day.
FAULTS = (THROTTLE, SLOW, EXPIRE_SOON, UNAVAILABLE)
