from tests.tracker.runs.conftest import programme, simulator

__all__ = ["programme", "simulator"]
