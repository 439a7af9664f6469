"""Attribution lines of the collections that shipped weights are trained on.

They travel into every pack, every weights sidecar and every provenance record.

Public names: :data:`ATTRIBUTIONS`.
"""

from __future__ import annotations

__all__ = ["ATTRIBUTIONS"]

ATTRIBUTIONS: dict[str, str] = {
    "openscore_lieder": "OpenScore Lieder Corpus contributors, CC0.",
    "openscore_quartets": "OpenScore String Quartets contributors, CC0.",
    "hauptstimme_orchestra": "Mark Gotham and contributors, Hauptstimme corpus (scores CC0).",
    "nifc_polish": "Digital scores: The Fryderyk Chopin Institute (NIFC), Polish Music Heritage in "
    "Open Access, https://polishscores.org, CC BY 4.0; converted to MIDI.",
    "nifc_chopin_first_editions": "First Editions of Fryderyk Chopin's Music, The Fryderyk Chopin "
    "Institute (NIFC), https://chopinscores.org, CC BY 4.0; converted to MIDI.",
    "pd_songs_bloomfield": "Ben Bloomfield, Songs from the Public Domain (public domain).",
    "open_hymnal": "The Open Hymnal Project, http://openhymnal.org (Brian J. Dumont); "
    "public domain.",
    "ceol_rince": "Ceol Rince na hEireann corpus, Polifonia project (D. Diamond, A. Shahid), after "
    "Bill Black's ABC transcriptions, CC BY 4.0.",
    "groove_midi_dataset": "J. Gillick, A. Roberts, J. Engel, D. Eck, D. Bamman, 'Learning to "
    "Groove with Inverse Sequence Transformations', ICML 2019; Groove MIDI Dataset, CC BY 4.0.",
    "mutopia": "The Mutopia Project, https://www.mutopiaproject.org; typesetters named per piece.",
    "freedoom": "Copyright (c) 2001-2024 Contributors to the Freedoom project. All rights "
    "reserved. Redistribution and use in source and binary forms, with or without modification, "
    "are permitted provided that the following conditions are met: redistributions of source code "
    "must retain the above copyright notice, this list of conditions and the following "
    "disclaimer; redistributions in binary form must reproduce them in the documentation; neither "
    "the name of the Freedoom project nor the names of its contributors may be used to endorse or "
    "promote derived products without prior written permission. THIS SOFTWARE IS PROVIDED BY THE "
    'COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND ANY EXPRESS OR IMPLIED WARRANTIES ARE '
    "DISCLAIMED; IN NO EVENT SHALL THEY BE LIABLE FOR ANY DAMAGES ARISING IN ANY WAY OUT OF THE "
    "USE OF THIS SOFTWARE.",
    "helland_free_music": "Music by Tanner Helland, https://github.com/tannerhelland/free-music, "
    "CC BY 4.0.",
}
