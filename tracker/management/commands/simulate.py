"""`manage.py simulate [--port N] [--scenario NAME|FILE] [--seed N] [--state DIR] [--speed FACTOR]`: a local Azure."""

from argparse import ArgumentParser, Namespace
from typing import Any

from django.core.management.base import BaseCommand

from migrator.simulator import server


class Command(BaseCommand):
    help = "Serve a simulated Azure on loopback: the same endpoints, strict and seeded, with faults and a clock."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        server.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if code := server.serve(Namespace(**options)):
            raise SystemExit(code)
