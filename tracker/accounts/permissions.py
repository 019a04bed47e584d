"""Roles and permissions as one table (screens.md: three kinds of people, and the administrator)."""

from enum import StrEnum


class Role(StrEnum):
    PROGRAMME_MANAGER = "programme-manager"
    ENGINEER = "engineer"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"

    @property
    def label(self) -> str:
        return self.value.replace("-", " ").capitalize()


class Permission(StrEnum):
    READ = "read"  # every page
    SYNC = "sync"  # ask for a sync or a re-assessment
    IMPORT = "import"  # put a file's facts into the inventory, which verdicts and approvals are decided on
    PLAN = "plan"  # create and change waves, place units, submit, assign owners
    APPROVE = "approve"  # decide approvals of others
    OPERATE = "operate"  # start runs; ask for validate, prepare, abort, commit, hold
    FREEZE = "freeze"  # stop every new arming
    REQUEST_QUOTA = "request-quota"
    APPLY_FOLLOW_UP = "apply-follow-up"
    ATTEST = "attest"  # answer for a finding where no API can tell
    WAIVE = "waive"  # ask that a finding be set aside; a second person agrees with APPROVE
    SWITCH_CATALOGUE = "switch-catalogue"  # put another catalogue of rules in force, which moves verdicts and approvals
    FIX = "fix"  # rehearse a fix, ask for it, take it back
    EXPORT_AUDIT = "export-audit"
    READ_SETTINGS = "read-settings"
    ADMINISTER = "administer"  # users, roles, tokens, settings


ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.PROGRAMME_MANAGER: frozenset(
        {
            Permission.READ,
            Permission.SYNC,
            Permission.PLAN,
            Permission.REQUEST_QUOTA,
            Permission.FREEZE,
            Permission.ATTEST,
            Permission.WAIVE,
            Permission.SWITCH_CATALOGUE,
        }
    ),
    Role.ENGINEER: frozenset(
        {
            Permission.READ,
            Permission.SYNC,
            Permission.IMPORT,
            Permission.APPROVE,
            Permission.OPERATE,
            Permission.FREEZE,
            Permission.REQUEST_QUOTA,
            Permission.APPLY_FOLLOW_UP,
            Permission.ATTEST,
            Permission.WAIVE,
            Permission.FIX,
        }
    ),
    Role.AUDITOR: frozenset({Permission.READ, Permission.EXPORT_AUDIT, Permission.READ_SETTINGS}),
    Role.ADMINISTRATOR: frozenset(
        {
            Permission.READ,
            Permission.SYNC,
            Permission.IMPORT,
            Permission.FREEZE,
            Permission.READ_SETTINGS,
            Permission.SWITCH_CATALOGUE,
            Permission.ADMINISTER,
        }
    ),
}

PERMISSION_SENTENCES: dict[Permission, str] = {
    Permission.READ: "read the programme",
    Permission.SYNC: "ask for a sync",
    Permission.IMPORT: "import files",
    Permission.PLAN: "plan waves",
    Permission.APPROVE: "decide approvals",
    Permission.OPERATE: "operate runs",
    Permission.FREEZE: "freeze the programme",
    Permission.REQUEST_QUOTA: "request quota",
    Permission.APPLY_FOLLOW_UP: "apply follow-ups",
    Permission.ATTEST: "attest findings",
    Permission.WAIVE: "ask for waivers",
    Permission.SWITCH_CATALOGUE: "switch on another catalogue of rules",
    Permission.FIX: "ask for fixes",
    Permission.EXPORT_AUDIT: "export the audit history",
    Permission.READ_SETTINGS: "read the settings",
    Permission.ADMINISTER: "administer people and settings",
}
