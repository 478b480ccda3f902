"""The XML of Get and Set Blob Service Properties.

Owns what a service may be told, and what of the real service's properties is refused. Sans-IO.

Source: Azure Storage REST API, "Set Blob Service Properties", "Get Blob Service Properties".
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from keyless.providers.storage.errors import unsupported
from keyless.providers.storage.tables.services import MAX_DAYS, Policy
from keyless.providers.storage.xml import DECLARATION
from keyless.providers.storage.xml_tree import bad_document, flag_of, read_tree, text_of

_ROOT = "StorageServiceProperties"
_NO_RETENTION = "<RetentionPolicy><Enabled>false</Enabled></RetentionPolicy>"
_NO_METRICS = f"<Version>1.0</Version><Enabled>false</Enabled>{_NO_RETENTION}"
#: What can be said but not switched on, and which of its children would.
_OFF = {
    "Logging": ("Delete", "Read", "Write"),
    "HourMetrics": ("Enabled",),
    "MinuteMetrics": ("Enabled",),
    "StaticWebsite": ("Enabled",),
}


def service_document(policy: Policy) -> bytes:
    """The properties of an account's Blob service."""
    return (
        f"{DECLARATION}<{_ROOT}>"
        f"<Logging><Version>1.0</Version><Delete>false</Delete><Read>false</Read><Write>false</Write>{_NO_RETENTION}"
        f"</Logging><HourMetrics>{_NO_METRICS}</HourMetrics><MinuteMetrics>{_NO_METRICS}</MinuteMetrics><Cors />"
        f"<DeleteRetentionPolicy>{_retention(policy.delete_days)}</DeleteRetentionPolicy>"
        f"<StaticWebsite><Enabled>false</Enabled></StaticWebsite></{_ROOT}>"
    ).encode()


def read_delete_days(document: bytes) -> int | None:
    """For how many days deleted blobs are to be kept (0: not at all); None if the document does not say.

    Raises UNSUPPORTED for what would switch on anything else, INVALID with `InvalidXmlDocument`.
    """
    days = None
    for element in read_tree(document, _ROOT):
        if element.tag == "DeleteRetentionPolicy":
            days = _days(element)
        elif element.tag in _OFF:
            if any(flag_of(element, name) for name in _OFF[element.tag]):
                raise unsupported(f"{element.tag} of the Blob service")
        elif element.tag == "Cors":
            if len(element):
                raise unsupported("CORS rules")
        elif element.tag == "DefaultServiceVersion":
            if element.text:
                raise unsupported("a default version of the Blob service")
        else:
            raise bad_document(f"there is no property {element.tag}")
    return days


def _retention(days: int) -> str:
    return f"<Enabled>true</Enabled><Days>{days}</Days>" if days else "<Enabled>false</Enabled>"


def _days(element: Element) -> int:
    if flag_of(element, "AllowPermanentDelete"):
        raise unsupported("permanent deletion of what is kept")
    if not flag_of(element, "Enabled"):
        return 0
    text = text_of(element, "Days")
    if not (text.isascii() and text.isdecimal() and len(text) < 4 and 1 <= int(text) <= MAX_DAYS):
        raise bad_document(f"Days of the DeleteRetentionPolicy must be 1 to {MAX_DAYS}")
    return int(text)
