"""The Tabular Data Stream protocol: bytes in, values out, and back. No I/O.

Source: [MS-TDS], "Tabular Data Stream Protocol", versions 7.4 and 8.0.
"""
