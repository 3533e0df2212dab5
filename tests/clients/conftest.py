"""The fixture `simulator`: copy this file and `simulator.py` beside your own tests."""

import pytest

from simulator import Simulator


@pytest.fixture
def simulator(monkeypatch):
    """A simulator that confirms every login; the environment directs clients to it."""
    with Simulator("--auto-confirm") as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running
