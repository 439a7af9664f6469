"""From words to decisions: Brief, Plan and the planner between them."""

from leitmotiv.plan.brief import Brief, ThemeNote, brief_json_schema
from leitmotiv.plan.cadences import name_cadence
from leitmotiv.plan.comparison import compare_brief, plan_to_brief
from leitmotiv.plan.describe import chord_chart, describe_plan
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
from leitmotiv.plan.text import parse_brief
from leitmotiv.plan.vocabulary import extended_vocabulary, form_names, genre_names, mood_names

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
    "chord_chart",
    "compare_brief",
    "describe_plan",
    "extended_vocabulary",
    "form_names",
    "genre_names",
    "make_plan",
    "mood_names",
    "name_cadence",
    "parse_brief",
    "plan_json_schema",
    "plan_to_brief",
]
