"""Bigger scores are printed smaller, on the same paper."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from leitmotiv.score.page_layout import staff_height_mm, write_page_layout


def test_more_staves_never_make_larger_ones() -> None:
    heights = [staff_height_mm(count) for count in range(1, 40)]
    assert heights == sorted(heights, reverse=True)
    assert min(heights) >= 3.7


def test_the_paper_is_a4_whatever_the_staff_size() -> None:
    for count in (1, 4, 6, 12, 30):
        root = ET.Element("score-partwise")
        write_page_layout(root, count)
        scale = float(root.findtext("defaults/scaling/millimeters", "")) / float(
            root.findtext("defaults/scaling/tenths", "")
        )
        assert abs(scale * float(root.findtext("defaults/page-layout/page-width", "")) - 210) < 0.1
        assert abs(scale * float(root.findtext("defaults/page-layout/page-height", "")) - 297) < 0.1


def test_two_systems_of_seven_staves_fit_a_page() -> None:
    # A staff with its distance takes about two and a half staff heights, a title 30 mm.
    assert 2 * 7 * 2.5 * staff_height_mm(7) + 30 <= 297 - 28
