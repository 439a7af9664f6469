"""Plan to score: theme, form, parts, rhythm section, accompaniment and performance."""
