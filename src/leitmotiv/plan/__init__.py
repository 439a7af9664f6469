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
from leitmotiv.plan.planner import make_plan

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
    "make_plan",
    "plan_json_schema",
]
