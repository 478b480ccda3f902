"""Fuzz targets: each module has `SEEDS`, some good inputs, and `fuzz(data)`, which raises only when it found a fault.

The shape is that of atheris and of libFuzzer. The suite gives each of them some hundred inputs (`test_fuzz.py`);
`KEYLESS_FUZZ_EXAMPLES` sets how many, and makes them new ones each time.
"""
