"""What can be done to readiness: assess units, and keep what the platform itself answered."""

from tracker.readiness.actions.assessing import Assessed, assess, open_rules, record_platform_answer

__all__ = ["Assessed", "assess", "open_rules", "record_platform_answer"]
