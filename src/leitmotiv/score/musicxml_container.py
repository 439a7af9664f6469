"""From the bytes of a MusicXML file to its root element, with every limit on the way.

Purpose: unpack ``.mxl``, refuse zip bombs and XML entity attacks, turn timewise scores partwise.

Conventions: nothing is written to disk and nothing is fetched; a document type is allowed because
MusicXML has one, but it is not read.

Public names: :func:`musicxml_root`, :func:`musicxml_text`.

References: *MusicXML 4.0*, W3C Community Group report, 2021, "Compressed .mxl files".
"""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
import zipfile
import zlib
from typing import IO

import defusedxml.ElementTree
from defusedxml.common import DefusedXmlException

from leitmotiv.errors import ReadError

__all__ = ["musicxml_root", "musicxml_text"]

MAX_ENTRIES = 1000
MAX_UNPACKED_BYTES = 256 << 20
MAX_RATIO = 300  # real scores pack about 20 to 1, very repetitive ones 100 to 1
MAX_RATIO_FREE_BYTES = 1 << 20  # any ratio is harmless up to here

_CONTAINER = "META-INF/container.xml"


def musicxml_root(data: bytes) -> ET.Element:
    """Return the ``score-partwise`` element of a plain or compressed MusicXML file.

    Raises
    ------
    ReadError
        If the bytes are no MusicXML, are damaged, or would unpack to too much.
    """
    root = _parse(musicxml_text(data))
    if root.tag == "score-timewise":
        root = _to_partwise(root)
    if root.tag != "score-partwise":
        raise ReadError(
            f"root element <{root.tag}> must be <score-partwise> or <score-timewise>; "
            "export the piece as MusicXML"
        )
    return root


def musicxml_text(data: bytes) -> bytes:
    """Return the XML of a plain or compressed MusicXML file.

    Raises
    ------
    ReadError
        If a compressed one is damaged or would unpack to too much.
    """
    return _unpack(data) if data[:2] == b"PK" else data


def _parse(data: bytes) -> ET.Element:
    try:
        root: ET.Element = defusedxml.ElementTree.fromstring(data)
    except ET.ParseError as error:
        raise ReadError(
            f"the XML is not well-formed ({error}); export the piece as MusicXML again"
        ) from error
    except DefusedXmlException as error:
        raise ReadError(
            "the XML declares entities, which MusicXML does not need and which can be an attack; "
            "export the piece as MusicXML again"
        ) from error
    except (ValueError, LookupError) as error:  # an encoding that does not exist
        raise ReadError(
            f"the XML cannot be decoded ({error}); export the piece as MusicXML in UTF-8"
        ) from error
    return root


def _unpack(data: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ENTRIES:
                raise ReadError(
                    f"num_entries={len(entries)} of the .mxl archive must be at most "
                    f"{MAX_ENTRIES}; export the piece again"
                )
            names = [entry.filename for entry in entries]
            if _CONTAINER in names:
                container = _parse(_read_entry(archive, _CONTAINER))
                paths = [
                    element.get("full-path", "")
                    for element in container.iter()
                    if element.tag.rpartition("}")[2] == "rootfile"
                ]
            else:
                paths = [
                    name
                    for name in names
                    if name.lower().endswith((".xml", ".musicxml"))
                    and not name.startswith("META-INF/")
                ]
            if not paths or paths[0] not in names:
                raise ReadError(
                    "the .mxl archive names no score in META-INF/container.xml; "
                    "export the piece again"
                )
            return _read_entry(archive, paths[0])
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ReadError(
            f"the .mxl archive is damaged ({reason}); export or copy the file again"
        ) from error


def _read_entry(archive: zipfile.ZipFile, name: str) -> bytes:
    """Unpack one entry; its size is counted while it unpacks, whatever its header claims."""
    packed = max(archive.getinfo(name).compress_size, 1)
    limit = min(MAX_UNPACKED_BYTES, max(packed * MAX_RATIO, MAX_RATIO_FREE_BYTES))
    stream: IO[bytes]
    with archive.open(name) as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise ReadError(
            f"entry {name!r} of the .mxl archive unpacks to more than {limit} bytes "
            f"(at most {MAX_RATIO} times its packed size); it looks like a zip bomb: "
            "export the piece again"
        )
    return content


def _to_partwise(timewise: ET.Element) -> ET.Element:
    root = ET.Element("score-partwise", timewise.attrib)
    parts: dict[str, ET.Element] = {}
    for child in timewise:
        if child.tag != "measure":
            root.append(child)
            continue
        for content in child.findall("part"):
            identifier = content.get("id", "")
            if identifier not in parts:
                parts[identifier] = ET.Element("part", id=identifier)
            measure = ET.SubElement(parts[identifier], "measure", child.attrib)
            measure.extend(content)
    root.extend(parts.values())
    return root
