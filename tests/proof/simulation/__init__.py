"""A deterministic simulation of the engine: its own rules (migrator.lifecycle), and around them a world in which
clocks, messages, processes, the database and the platform misbehave as a seed says. Every `yield` of a worker is a
place where it may be killed or sleep. Rules of the game: reliability-notes 6.2.

`azure` the platform, `world` rows, messages and time, `people` who click, `worker` one step of a run as
tracker/runs/actions/steps.py takes it, `epoch` a database that lost its last seconds, `checker` what must never have
happened, `mutants` the same engine with one rule broken, `campaign` many seeds.
"""
