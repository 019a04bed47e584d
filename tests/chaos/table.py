"""The printed result: one row for every point."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from tests.chaos.rounds import Report, Wound


@dataclass
class Tally:
    """What all rounds found, by point."""

    planned: dict[str, int] = field(default_factory=dict)
    wounds: dict[str, list[Wound]] = field(default_factory=dict)
    violated: dict[str, int] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    twice: dict[str, int] = field(default_factory=dict)
    sends: int = 0
    doubled: int = 0
    violations: list[str] = field(default_factory=list)

    def add(self, report: Report, violations: list[str]) -> None:
        points = {name.partition(".")[0] for name in report.planned}
        hit = {wound.hit.point.partition(".")[0] for wound in report.wounds}
        for point in points:
            self.planned[point] = self.planned.get(point, 0) + 1
        for point in hit:
            self.violated[point] = self.violated.get(point, 0) + len(violations)
            self.sent[point] = self.sent.get(point, 0) + report.sends
            self.twice[point] = self.twice.get(point, 0) + report.doubled
        for wound in report.wounds:
            self.wounds.setdefault(wound.hit.point.partition(".")[0], []).append(wound)
        self.sends += report.sends
        self.doubled += report.doubled
        self.violations += violations

    def table(self, points: Mapping[str, str]) -> str:
        """Markdown, so that it can be kept as it is. `sends`: of the rounds in which the point was hit."""
        lines = [
            "| point | where | hits | what happened | taken up again, s (median, most) | sends | twice | violations |",
            "|---|---|---:|---|---:|---:|---:|---:|",
        ]
        for point, where in points.items():
            if point not in self.planned:
                continue
            wounds = self.wounds.get(point, [])
            kinds: dict[str, int] = {}
            for wound in wounds:
                word = WORDS.get(wound.hit.action.partition(":")[0], wound.hit.action)
                kinds[word] = kinds.get(word, 0) + 1
            happened = ", ".join(f"{word} {count}" for word, count in sorted(kinds.items())) or "not passed"
            healed = [wound.healed for wound in wounds if wound.healed is not None]
            times = f"{median(healed):.1f}, {max(healed):.1f}" if healed else "–"
            if len(healed) < len(wounds):
                times += f"; {len(wounds) - len(healed)} never"
            cells = point, where, len(wounds), happened, times, self.sent.get(point, 0), self.twice.get(point, 0)
            lines.append(f"| {' | '.join(map(str, cells))} | {self.violated.get(point, 0)} |")
        return "\n".join(lines)


WORDS = {
    "kill": "killed",
    "lost": "machine lost",
    "stop": "suspended",
    "raise": "raised",
    "down": "killed",
    "asleep": "suspended",
    "now": "happened",
}
