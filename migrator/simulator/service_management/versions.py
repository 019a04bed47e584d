"""The `x-ms-version` header: which values exist, and from which on a family takes the migration verbs.

The list is [K]. For the verbs only the values the last public client sends are known (azure.md 1.4, 2.5 [S]); that
older ones are refused is [I].
"""

from typing import Final

from migrator.simulator.errors import ArmError, bad_request

_VALUES: Final = (
    "2009-10-01 2010-04-01 2010-10-28 2011-02-25 2011-06-01 2011-08-01 2011-08-18 2011-10-01 2011-12-01 2012-03-01 "
    "2012-08-01 2012-12-01 2013-03-01 2013-06-01 2013-08-01 2013-11-01 2014-01-01 2014-02-01 2014-04-01 2014-05-01 "
    "2014-06-01 2014-10-01 2014-11-01 2015-02-01 2015-04-01 2015-09-01 2015-10-01 2016-03-01 2016-06-01 2016-07-01 "
    "2017-01-01"
)
KNOWN: Final = frozenset(_VALUES.split())
MIGRATES_SINCE: Final = {"hostedservices": "2017-01-01", "networking": "2016-07-01", "storageservices": "2016-03-01"}


def check(version: str) -> None:
    """400 MissingOrIncorrectVersionHeader [K] for a missing or unknown value."""
    if version not in KNOWN:
        text = "The versioning header is not specified or was specified incorrectly."
        raise ArmError(400, "MissingOrIncorrectVersionHeader", text)


def check_migration(version: str, family: str) -> None:
    """400 for a value older than the family's verbs [I]. Dates as text compare as dates."""
    if version < MIGRATES_SINCE[family.lower()]:
        raise bad_request(f"The version {version} has no migration of {family}; send {MIGRATES_SINCE[family.lower()]}.")
