"""From words to decisions: Brief, Plan and the planner between them."""

from leitmotiv.plan.brief import Brief, ThemeNote, brief_json_schema
from leitmotiv.plan.plan import (
    Plan,
    PlanChord,
    PlanPart,
    PlanPhrase,
    PlanSection,
    PlanTempo,
    ThemePlacement,
    plan_json_schema,
)

__all__ = [
    "Brief",
    "Plan",
    "PlanChord",
    "PlanPart",
    "PlanPhrase",
    "PlanSection",
    "PlanTempo",
    "ThemeNote",
    "ThemePlacement",
    "brief_json_schema",
    "plan_json_schema",
]
