"""Page layout of a printed score: paper and staff size.

Conventions: A4 portrait in MusicXML tenths, of which a staff is 40 high. The more staves a
system has, the smaller they are printed, so that two systems stand on a page where they can.

Public names: :func:`staff_height_mm`, :func:`write_page_layout`.

References
----------
E. Gould, *Behind Bars*, Faber Music 2011, p. 482 (staff sizes: 7 mm for solo music, 5.5 to 6 mm
for chamber scores, 4 to 5 mm for full scores).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

__all__ = ["staff_height_mm", "write_page_layout"]

_PAPER_MM = (210.0, 297.0)
_MARGIN_MM = 14.0
_TENTHS = 40
_SIZES = ((2, 7.0), (4, 6.2), (6, 5.2), (9, 4.5))  # up to so many staves: height in mm
_SMALLEST_MM = 3.8


def staff_height_mm(num_staves: int) -> float:
    """Return how high a staff is printed in a score of ``num_staves`` staves.

    >>> staff_height_mm(2), staff_height_mm(4), staff_height_mm(20)
    (7.0, 6.2, 3.8)
    """
    return next((height for most, height in _SIZES if num_staves <= most), _SMALLEST_MM)


def write_page_layout(root: ET.Element, num_staves: int) -> None:
    """Append ``<defaults>`` with scaling, paper and margins."""
    height = staff_height_mm(num_staves)

    def tenths(millimetres: float) -> str:
        return f"{millimetres * _TENTHS / height:.2f}"

    defaults = ET.SubElement(root, "defaults")
    scaling = ET.SubElement(defaults, "scaling")
    ET.SubElement(scaling, "millimeters").text = f"{height:g}"
    ET.SubElement(scaling, "tenths").text = str(_TENTHS)
    page = ET.SubElement(defaults, "page-layout")
    ET.SubElement(page, "page-height").text = tenths(_PAPER_MM[1])
    ET.SubElement(page, "page-width").text = tenths(_PAPER_MM[0])
    margins = ET.SubElement(page, "page-margins", type="both")
    for side in ("left", "right", "top", "bottom"):
        ET.SubElement(margins, f"{side}-margin").text = tenths(_MARGIN_MM)
