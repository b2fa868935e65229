from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.fetcher.addresses import is_internal


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST.", "db", "db.local", "x.localhost", "metadata.google.internal",
     "127.0.0.1", "127.1", "0x7f.0.0.1", "0x7f000001", "2130706433", "017700000001", "0",
     "10.1.2.3", "192.168.0.1", "169.254.169.254", "100.64.0.1", "[::1]", "::ffff:127.0.0.1",
     "::ffff:a00:1", "2002:7f00:1::", "fe80::1", "fd00::1", "router.home.arpa", ""],
)  # fmt: skip
def test_hosts_of_this_machine_and_its_network(host: str) -> None:
    assert is_internal(host)


@pytest.mark.parametrize(
    "host",
    ["huggingface.co", "cdn-lfs.hf.co", "8.8.8.8", "1.1.1.1", "2606:4700::1111", "10.example.org",
     "127.0.0.1.example.org", "0x7f.example.org", "localhost.example.org", "local.example"],
)  # fmt: skip
def test_hosts_elsewhere(host: str) -> None:
    assert not is_internal(host)


@given(st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_text_is_one_or_the_other(host: str) -> None:
    assert is_internal(host) in {True, False}
