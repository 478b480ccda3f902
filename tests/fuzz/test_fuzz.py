"""Runs every fuzz target under hypothesis: any bytes, and seeds that were edited a little."""

from __future__ import annotations

import os
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import (
    access_policies,
    app_setting_reference,
    blob_documents,
    blob_xml,
    block_list,
    byte_range,
    foreign_token,
    host_header,
    lease_opening,
    proxy_request,
    resource_id,
    secret_requests,
    set_secret,
    tag_expression,
    tds,
    token,
)

TARGETS = [
    access_policies,
    app_setting_reference,
    blob_documents,
    block_list,
    blob_xml,
    byte_range,
    foreign_token,
    host_header,
    lease_opening,
    proxy_request,
    resource_id,
    secret_requests,
    set_secret,
    tag_expression,
    tds,
    token,
]
EXAMPLES = os.environ.get("KEYLESS_FUZZ_EXAMPLES")


@st.composite
def edited(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """A seed with some stretches replaced, repeated or left out."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.integers(at, min(len(data), at + 12)))
        between = draw(st.one_of(st.binary(max_size=4), st.sampled_from(seeds), st.just(data[at:end] * 3)))
        data = data[:at] + between + data[end:]
    return data


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.__name__.rsplit(".", 1)[-1])
def test_target(target: ModuleType) -> None:
    @settings(
        max_examples=int(EXAMPLES or 150),
        derandomize=EXAMPLES is None,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(st.binary(max_size=400), edited(target.SEEDS)))
    def run(data: bytes) -> None:
        target.fuzz(data)

    for seed in target.SEEDS:
        target.fuzz(seed)
    run()
