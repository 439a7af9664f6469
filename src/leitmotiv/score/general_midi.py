"""General MIDI: the 128 instruments, the drum keys, and the ensembles people ask for.

Purpose: turn the names people use ("violins", "felt piano", "string quartet") into instruments
with a program, a comfortable range and a clef.

Conventions:

- Ranges are *sounding* MIDI pitches, 60 = C4, both ends included. They are the comfortable range
  of a competent player, narrower than what the instrument can be made to do.
- Clefs are those of a concert-pitch score: treble, alto, tenor, bass, or grand (two staves), with
  ``treble-8`` and ``bass-8`` for instruments that sound an octave lower and ``treble+8`` higher.
- Names are those of the General MIDI 1 sound set; :data:`DRUM_KIT` stands for channel 10.

Public names: :class:`Instrument`, :class:`EnsemblePart`, :data:`GM_INSTRUMENTS`,
:data:`DRUM_KIT`, :data:`DRUM_NAMES`, :data:`ENSEMBLES`, :func:`find_instrument`,
:func:`find_ensemble`, :func:`is_instrument_name`.

References
----------
MIDI Manufacturers Association, *General MIDI System Level 1*, 1991. Ranges after S. Adler, *The
Study of Orchestration*, 4th ed., W. W. Norton 2016.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

__all__ = [
    "DRUM_KIT",
    "DRUM_NAMES",
    "ENSEMBLES",
    "GM_INSTRUMENTS",
    "EnsemblePart",
    "Instrument",
    "find_ensemble",
    "find_instrument",
    "is_instrument_name",
]


@dataclass(frozen=True, order=True)
class Instrument:
    """One General MIDI instrument.

    ``program`` is 0-127; ``low`` and ``high`` bound the comfortable sounding range in MIDI
    pitches; ``aliases`` are further names, lower case, singular.
    """

    program: int
    name: str
    family: str
    low: int
    high: int
    clef: str
    aliases: tuple[str, ...] = ()

    @property
    def is_drum(self) -> bool:
        """Whether the pitches are drum keys rather than notes."""
        return self.family == "drums"


# name | low | high | clef | aliases. Eight instruments a family, in the order of the sound set;
# a line that starts with + holds more aliases of the one above it.
_TABLE: dict[str, str] = {
    "piano": """
        Acoustic Grand Piano |21|108|grand|piano,grand piano,grand,pianoforte,solo piano
            + felt piano,soft piano,upright piano,klavier
        Bright Acoustic Piano|21|108|grand|bright piano,pop piano,house piano
        Electric Grand Piano |21|108|grand|electric grand,cp70,cp80
        Honky-tonk Piano     |21|108|grand|honky tonk,saloon piano,ragtime piano,tack piano
            + bar piano
        Electric Piano 1     |28|103|grand|electric piano,rhodes,fender rhodes,epiano,e-piano,ep
            + wurlitzer,wurli,keys,keyboard
        Electric Piano 2     |28|103|grand|dx piano,dx7,fm piano,digital piano
        Harpsichord          |29|89 |grand|cembalo,spinet,virginal
        Clavinet             |36|96 |grand|clavi,clav
    """,
    "chromatic percussion": """
        Celesta      |60|108|treble+8|celeste
        Glockenspiel |79|108|treble+8|glock,orchestra bells
        Music Box    |60|96 |treble|musicbox,toy piano
        Vibraphone   |53|89 |treble|vibes,vibe,vibraharp
        Marimba      |45|96 |treble|balafon
        Xylophone    |65|108|treble|
        Tubular Bells|60|77 |treble|chimes,church bell,tubular bell,bell,tower bell
        Dulcimer     |52|88 |treble|hammered dulcimer,cimbalom,santur,zither
    """,
    "organ": """
        Drawbar Organ   |36|96|grand|hammond,hammond organ,jazz organ,b3,electric organ
        Percussive Organ|36|96|grand|percussion organ
        Rock Organ      |36|96|grand|leslie organ
        Church Organ    |24|96|grand|organ,pipe organ,cathedral organ
        Reed Organ      |36|96|grand|harmonium,pump organ
        Accordion       |53|89|treble|musette,bayan
        Harmonica       |60|96|treble|mouth organ,blues harp
        Tango Accordion |48|88|treble|bandoneon,concertina
    """,
    "guitar": """
        Acoustic Guitar (nylon) |40|83|treble-8|guitar,nylon guitar,classical guitar
            + spanish guitar,acoustic guitar,ukulele,lute
        Acoustic Guitar (steel) |40|83|treble-8|steel guitar,steel string guitar,folk guitar
            + western guitar,mandolin
        Electric Guitar (jazz)  |40|84|treble-8|jazz guitar,hollow body guitar
        Electric Guitar (clean) |40|86|treble-8|electric guitar,clean guitar,lead guitar clean
        Electric Guitar (muted) |40|79|treble-8|muted guitar,palm muted guitar,palm mute guitar
            + funk guitar
        Overdriven Guitar       |40|86|treble-8|overdrive guitar,crunch guitar,rock guitar
            + lead guitar
        Distortion Guitar       |40|86|treble-8|distorted guitar,metal guitar,heavy guitar
            + rhythm guitar,power guitar
        Guitar Harmonics        |52|100|treble-8|guitar harmonic
    """,
    "bass": """
        Acoustic Bass          |28|60|bass-8|upright bass,jazz bass,string bass,standup bass
            + walking bass
        Electric Bass (finger) |28|60|bass-8|bass,bass guitar,electric bass,finger bass,e-bass
            + fingered bass
        Electric Bass (pick)   |28|60|bass-8|picked bass,pick bass,rock bass
        Fretless Bass          |28|62|bass-8|
        Slap Bass 1            |28|60|bass-8|slap bass,funk bass
        Slap Bass 2            |28|60|bass-8|pop bass
        Synth Bass 1           |24|60|bass-8|synth bass,bass synth,analog bass,analogue bass
            + sub bass,808 bass,moog bass,moog
        Synth Bass 2           |24|60|bass-8|acid bass,fm bass,reese bass
    """,
    "strings": """
        Violin           |55|96|treble|fiddle,solo violin,first violin,second violin
        Viola            |48|86|alto|
        Cello            |36|76|bass|violoncello,solo cello,celli,violoncelli
        Contrabass       |28|62|bass-8|double bass,contrabasso,orchestral bass
        Tremolo Strings  |36|91|grand|string tremolo,tremolo
        Pizzicato Strings|36|88|grand|pizzicato,pizz,plucked strings
        Orchestral Harp  |28|98|grand|harp,celtic harp,koto harp
        Timpani          |38|57|bass|timpano,kettledrum,kettle drum
    """,
    "ensemble": """
        String Ensemble 1|36|96|grand|string,string ensemble,string orchestra,string section
            + orchestral string
        String Ensemble 2|36|96|grand|slow string,warm string,soft string,lush string
        Synth Strings 1  |36|96|grand|synth string,string machine,analog string,solina
        Synth Strings 2  |36|96|grand|
        Choir Aahs       |40|81|grand|choir,aah,chorus,choir aah,vocal,male choir,female choir
            + soprano,alto voice,tenor voice,bass voice
        Voice Oohs       |43|81|grand|ooh,voice,humming,voice ooh,doo
        Synth Choir      |43|84|grand|synth voice,vox,vocoder
        Orchestra Hit    |48|84|treble|orchestral hit,orch hit
    """,
    "brass": """
        Trumpet      |54|84|treble|cornet,flugelhorn,piccolo trumpet
        Trombone     |40|72|bass|bass trombone
        Tuba         |26|60|bass|euphonium,sousaphone
        Muted Trumpet|54|84|treble|trumpet with mute,harmon trumpet
        French Horn  |38|77|treble|horn,french horn section,hunting horn,alphorn
        Brass Section|43|82|grand|brass,brass ensemble,horn section
        Synth Brass 1|36|89|grand|synth brass,analog brass
        Synth Brass 2|36|89|grand|soft synth brass
    """,
    "reed": """
        Soprano Sax |56|87|treble|soprano saxophone
        Alto Sax    |49|80|treble|sax,saxophone,alto saxophone
        Tenor Sax   |44|75|treble|tenor saxophone
        Baritone Sax|37|68|bass|baritone saxophone,bari sax
        Oboe        |58|89|treble|oboe d'amore
        English Horn|52|81|treble|cor anglais
        Bassoon     |34|72|bass|fagott,contrabassoon
        Clarinet    |50|91|treble|bass clarinet,klezmer clarinet
    """,
    "pipe": """
        Piccolo     |74|106|treble+8|
        Flute       |60|93 |treble|alto flute,concert flute
        Recorder    |65|91 |treble|block flute,blockfloete
        Pan Flute   |60|91 |treble|panpipe,pan pipe,zampona
        Blown Bottle|60|84 |treble|bottle
        Shakuhachi  |62|88 |treble|bamboo flute
        Whistle     |67|96 |treble|tin whistle,penny whistle,irish whistle
        Ocarina     |69|89 |treble|
    """,
    "synth lead": """
        Lead 1 (square)    |24|108|treble|square lead,square,chiptune,pulse lead,8-bit lead
            + 8 bit lead,chip lead
        Lead 2 (sawtooth)  |24|108|treble|saw lead,sawtooth lead,synth lead,lead,synth,synthesizer
            + synthesiser,supersaw,lead synth
        Lead 3 (calliope)  |24|108|treble|calliope
        Lead 4 (chiff)     |24|108|treble|chiff lead
        Lead 5 (charang)   |24|108|treble|charang
        Lead 6 (voice)     |24|108|treble|voice lead,synth voice lead,theremin
        Lead 7 (fifths)    |24|108|treble|fifths lead
        Lead 8 (bass + lead)|24|108|treble|bass lead,bass and lead
    """,
    "synth pad": """
        Pad 1 (new age)  |24|108|grand|new age pad,fantasia,bell pad
        Pad 2 (warm)     |24|108|grand|warm pad,pad,synth pad,ambient pad,analog pad
        Pad 3 (polysynth)|24|108|grand|polysynth,poly synth,polysynth pad
        Pad 4 (choir)    |24|108|grand|choir pad,vocal pad
        Pad 5 (bowed)    |24|108|grand|bowed pad,glass pad,glass harmonica
        Pad 6 (metallic) |24|108|grand|metallic pad,metal pad
        Pad 7 (halo)     |24|108|grand|halo pad
        Pad 8 (sweep)    |24|108|grand|sweep pad,sweep
    """,
    "synth effects": """
        FX 1 (rain)      |24|108|grand|rain pad,ice rain
        FX 2 (soundtrack)|24|108|grand|soundtrack,cinematic pad,drone
        FX 3 (crystal)   |24|108|treble|crystal,crystal bell
        FX 4 (atmosphere)|24|108|grand|atmosphere,atmospheric pad
        FX 5 (brightness)|24|108|grand|brightness
        FX 6 (goblins)   |24|108|grand|goblin
        FX 7 (echoes)    |24|108|grand|echo pad
        FX 8 (sci-fi)    |24|108|grand|sci-fi,star theme
    """,
    "world": """
        Sitar   |48|84|treble|tanpura,sarod
        Banjo   |48|82|treble-8|
        Shamisen|50|81|treble|pipa,sanshin
        Koto    |43|86|treble|guzheng,kantele
        Kalimba |57|88|treble|thumb piano,mbira
        Bagpipe |55|81|treble|bag pipe,uilleann pipe
        Fiddle  |55|91|treble|folk fiddle,country fiddle
        Shanai  |57|84|treble|shehnai,zurna,duduk
    """,
    "percussive": """
        Tinkle Bell   |72|96|treble|sleigh bell,handbell
        Agogo         |60|84|treble|cowbell
        Steel Drums   |55|86|treble|steel drum,steelpan,steel pan
        Woodblock     |60|84|treble|temple block
        Taiko Drum    |36|60|bass|taiko
        Melodic Tom   |40|67|bass|roto tom
        Synth Drum    |40|67|bass|simmons
        Reverse Cymbal|48|72|treble|
    """,
    "sound effects": """
        Guitar Fret Noise|40|84|treble|
        Breath Noise     |48|84|treble|
        Seashore         |48|84|treble|sea,waves,ocean
        Bird Tweet       |48|84|treble|bird
        Telephone Ring   |48|84|treble|telephone
        Helicopter       |48|84|treble|
        Applause         |48|84|treble|
        Gunshot          |48|84|treble|
    """,
}  # fmt: skip


def _build() -> tuple[Instrument, ...]:
    found: list[Instrument] = []
    for family, lines in _TABLE.items():
        for line in lines.replace("\n            + ", ",").strip().splitlines():
            name, low, high, clef, aliases = (cell.strip() for cell in line.split("|"))
            names = tuple(filter(None, aliases.split(",")))
            found.append(Instrument(len(found), name, family, int(low), int(high), clef, names))
    return tuple(found)


GM_INSTRUMENTS: tuple[Instrument, ...] = _build()
"""The 128 instruments, in program order."""

DRUM_KIT = Instrument(
    0,
    "Drum Kit",
    "drums",
    27,
    87,
    "percussion",
    (
        *("drum", "drum set", "drumset", "percussion", "kit", "drum machine", "beat", "trap kit"),
        *("standard kit", "acoustic drum", "electronic drum", "808", "909"),
        *("bongo", "conga", "hand drum", "lo-fi drum", "kick", "snare", "cymbal", "shaker"),
    ),
)
"""The percussion map of channel 10."""

DRUM_NAMES: dict[int, str] = {
    35: "Acoustic Bass Drum", 36: "Bass Drum 1", 37: "Side Stick", 38: "Acoustic Snare",
    39: "Hand Clap", 40: "Electric Snare", 41: "Low Floor Tom", 42: "Closed Hi-Hat",
    43: "High Floor Tom", 44: "Pedal Hi-Hat", 45: "Low Tom", 46: "Open Hi-Hat",
    47: "Low-Mid Tom", 48: "Hi-Mid Tom", 49: "Crash Cymbal 1", 50: "High Tom",
    51: "Ride Cymbal 1", 52: "Chinese Cymbal", 53: "Ride Bell", 54: "Tambourine",
    55: "Splash Cymbal", 56: "Cowbell", 57: "Crash Cymbal 2", 58: "Vibraslap",
    59: "Ride Cymbal 2", 60: "High Bongo", 61: "Low Bongo", 62: "Mute High Conga",
    63: "Open High Conga", 64: "Low Conga", 65: "High Timbale", 66: "Low Timbale",
    67: "High Agogo", 68: "Low Agogo", 69: "Cabasa", 70: "Maracas", 71: "Short Whistle",
    72: "Long Whistle", 73: "Short Guiro", 74: "Long Guiro", 75: "Claves",
    76: "High Wood Block", 77: "Low Wood Block", 78: "Mute Cuica", 79: "Open Cuica",
    80: "Mute Triangle", 81: "Open Triangle",
}  # fmt: skip
"""General MIDI drum keys, 35-81."""


def _normalised(text: str) -> str:
    """Lower case, single spaces, no brackets."""
    return " ".join(re.sub(r"[()_.]", " ", text.lower()).split())


def _singular(name: str) -> str:
    """Return the name without a plural s on any word; brass and bass keep theirs."""
    words = []
    for word in name.split():
        plain = word.removesuffix("'s")
        if plain.endswith(("ches", "oxes", "asses")):
            plain = plain[:-2]
        elif plain.endswith("s") and not plain.endswith(("ss", "us", "is")) and len(plain) > 3:
            plain = plain[:-1]
        words.append(plain)
    return " ".join(words)


def _build_index() -> dict[str, Instrument]:
    index: dict[str, Instrument] = {}
    for instrument in (*GM_INSTRUMENTS, DRUM_KIT):
        index.setdefault(_normalised(instrument.name), instrument)
    for singular in (False, True):  # full names win over aliases, exact forms over singulars
        for instrument in (DRUM_KIT, *GM_INSTRUMENTS):
            for name in (instrument.name, *instrument.aliases):
                key = _normalised(name)
                index.setdefault(_singular(key) if singular else key, instrument)
    return index


_INDEX = _build_index()
# Words that qualify an instrument without changing which one it is.
_QUALIFIER_WORDS = """
a an the some solo soft gentle warm quiet bright lush slow distant big small loud muted old first
second third 1st 2nd 3rd i ii iii 1 2 3 4 two three four section ensemble lonely plaintive
expressive mellow dark deep low high sweet melancholy nostalgic delicate
"""
_QUALIFIERS = frozenset(_QUALIFIER_WORDS.split())


@lru_cache(maxsize=1024)
def find_instrument(text: str) -> Instrument | None:
    """Return the instrument a common name means; None where nothing fits.

    Case, plurals, brackets and qualifying words ("two soft violins") do not matter.

    Examples
    --------
    >>> [find_instrument(name).name for name in ("violins", "French horns", "felt piano")]
    ['Violin', 'French Horn', 'Acoustic Grand Piano']
    >>> find_instrument("strings").name, find_instrument("kazoo") is None
    ('String Ensemble 1', True)
    """
    name = _normalised(text)
    for key in (name, _singular(name)):
        if key in _INDEX:
            return _INDEX[key]
    kept = " ".join(word for word in name.split() if word not in _QUALIFIERS)
    for key in (kept, _singular(kept)):
        if key in _INDEX:
            return _INDEX[key]
    return None


def is_instrument_name(text: str) -> bool:
    """Return whether a text is the name of an instrument as it stands, no word of it to spare.

    Examples
    --------
    >>> is_instrument_name("rock organs"), is_instrument_name("soft organ")
    (True, False)
    """
    name = _normalised(text)
    return name in _INDEX or _singular(name) in _INDEX


@dataclass(frozen=True)
class EnsemblePart:
    """One player or section of an ensemble.

    ``role`` is melody, counter, harmony, bass, pad or drums; ``low`` and ``high`` bound the
    register in which the part usually plays that role, sounding MIDI pitches.
    """

    name: str
    instrument: Instrument
    role: str
    low: int
    high: int


# ensemble | aliases: then one line a part: name | instrument | role | low | high.
_ENSEMBLE_TABLE = """
= string quartet | quartet, strings quartet
Violin I     | Violin       | melody  | 59 | 93
Violin II    | Violin       | counter | 55 | 84
Viola        | Viola        | harmony | 48 | 76
Cello        | Cello        | bass    | 36 | 64
= string trio |
Violin       | Violin       | melody  | 57 | 93
Viola        | Viola        | harmony | 48 | 76
Cello        | Cello        | bass    | 36 | 64
= string quintet |
Violin I     | Violin       | melody  | 59 | 93
Violin II    | Violin       | counter | 55 | 84
Viola        | Viola        | harmony | 48 | 76
Cello        | Cello        | counter | 40 | 69
Double Bass  | Contrabass   | bass    | 28 | 50
= string orchestra | chamber strings
Violins I    | String Ensemble 1 | melody  | 59 | 93
Violins II   | String Ensemble 1 | counter | 55 | 84
Violas       | String Ensemble 1 | harmony | 48 | 76
Cellos       | String Ensemble 1 | harmony | 40 | 67
Basses       | Contrabass        | bass    | 28 | 50
= piano trio |
Violin       | Violin       | melody  | 57 | 93
Cello        | Cello        | counter | 40 | 72
Piano        | Acoustic Grand Piano | harmony | 36 | 84
= piano quartet |
Violin       | Violin       | melody  | 57 | 93
Viola        | Viola        | counter | 50 | 79
Cello        | Cello        | bass    | 36 | 67
Piano        | Acoustic Grand Piano | harmony | 36 | 84
= piano quintet |
Violin I     | Violin       | melody  | 59 | 93
Violin II    | Violin       | counter | 55 | 84
Viola        | Viola        | harmony | 48 | 76
Cello        | Cello        | bass    | 36 | 64
Piano        | Acoustic Grand Piano | harmony | 36 | 84
= piano solo | piano, solo piano, piano piece
Right Hand   | Acoustic Grand Piano | melody  | 57 | 93
Left Hand    | Acoustic Grand Piano | harmony | 33 | 67
= choir | satb, satb choir, mixed choir, chorus, chorale, a cappella choir, choral
Soprano      | Choir Aahs   | melody  | 60 | 79
Alto         | Choir Aahs   | harmony | 55 | 74
Tenor        | Choir Aahs   | harmony | 48 | 67
Bass         | Choir Aahs   | bass    | 40 | 62
= brass quintet |
Trumpet I    | Trumpet      | melody  | 58 | 82
Trumpet II   | Trumpet      | counter | 55 | 77
Horn         | French Horn  | harmony | 48 | 72
Trombone     | Trombone     | harmony | 43 | 67
Tuba         | Tuba         | bass    | 29 | 53
= brass band | fanfare, brass ensemble
Trumpets     | Trumpet      | melody  | 58 | 82
Horns        | French Horn  | harmony | 48 | 72
Trombones    | Trombone     | harmony | 43 | 67
Tuba         | Tuba         | bass    | 29 | 53
Percussion   | Drum Kit     | drums   | 27 | 87
= woodwind quintet | wind quintet, winds
Flute        | Flute        | melody  | 62 | 93
Oboe         | Oboe         | counter | 60 | 84
Clarinet     | Clarinet     | harmony | 52 | 82
Horn         | French Horn  | harmony | 45 | 70
Bassoon      | Bassoon      | bass    | 34 | 60
= woodwind trio | reed trio
Oboe         | Oboe         | melody  | 60 | 86
Clarinet     | Clarinet     | counter | 52 | 82
Bassoon      | Bassoon      | bass    | 34 | 62
= saxophone quartet | sax quartet
Soprano Sax  | Soprano Sax  | melody  | 58 | 86
Alto Sax     | Alto Sax     | counter | 51 | 79
Tenor Sax    | Tenor Sax    | harmony | 46 | 72
Baritone Sax | Baritone Sax | bass    | 37 | 62
= rock band | band, rock group
Lead Guitar  | Overdriven Guitar      | melody  | 52 | 84
Guitar       | Distortion Guitar      | harmony | 40 | 67
Bass         | Electric Bass (pick)   | bass    | 28 | 52
Drums        | Drum Kit               | drums   | 27 | 87
= metal band |
Lead Guitar  | Distortion Guitar      | melody  | 52 | 86
Guitar       | Distortion Guitar      | harmony | 40 | 64
Bass         | Electric Bass (pick)   | bass    | 28 | 50
Drums        | Drum Kit               | drums   | 27 | 87
= pop band | pop group
Melody       | Lead 2 (sawtooth)      | melody  | 57 | 84
Piano        | Bright Acoustic Piano  | harmony | 45 | 79
Bass         | Electric Bass (finger) | bass    | 28 | 52
Drums        | Drum Kit               | drums   | 27 | 87
= jazz trio | piano jazz trio, jazz piano trio
Piano        | Acoustic Grand Piano   | melody  | 48 | 88
Bass         | Acoustic Bass          | bass    | 28 | 55
Drums        | Drum Kit               | drums   | 27 | 87
= jazz quartet | jazz combo, jazz band, jazz group
Sax          | Tenor Sax              | melody  | 46 | 75
Piano        | Acoustic Grand Piano   | harmony | 48 | 79
Bass         | Acoustic Bass          | bass    | 28 | 55
Drums        | Drum Kit               | drums   | 27 | 87
= jazz quintet |
Trumpet      | Trumpet                | melody  | 57 | 80
Sax          | Alto Sax               | counter | 50 | 79
Piano        | Acoustic Grand Piano   | harmony | 48 | 79
Bass         | Acoustic Bass          | bass    | 28 | 55
Drums        | Drum Kit               | drums   | 27 | 87
= big band | swing band, jazz orchestra
Trumpets     | Trumpet                | melody  | 58 | 82
Saxes        | Alto Sax               | counter | 50 | 79
Trombones    | Trombone               | harmony | 45 | 69
Piano        | Acoustic Grand Piano   | harmony | 45 | 79
Bass         | Acoustic Bass          | bass    | 28 | 55
Drums        | Drum Kit               | drums   | 27 | 87
= orchestra | symphony orchestra, full orchestra, symphonic orchestra, orchestral
Flute        | Flute                  | melody  | 65 | 93
Clarinet     | Clarinet               | counter | 55 | 84
Horns        | French Horn            | harmony | 48 | 72
Trumpets     | Trumpet                | counter | 58 | 80
Violins      | String Ensemble 1      | melody  | 57 | 93
Violas       | String Ensemble 1      | harmony | 48 | 76
Cellos       | Cello                  | bass    | 36 | 65
Basses       | Contrabass             | bass    | 28 | 50
Timpani      | Timpani                | bass    | 38 | 57
= chamber orchestra | small orchestra
Flute        | Flute                  | melody  | 65 | 93
Oboe         | Oboe                   | counter | 60 | 84
Horn         | French Horn            | harmony | 48 | 72
Violins      | String Ensemble 1      | melody  | 57 | 93
Violas       | String Ensemble 1      | harmony | 48 | 76
Cellos       | Cello                  | bass    | 36 | 65
= folk band | folk group, folk ensemble, irish band, celtic band
Fiddle       | Fiddle                 | melody  | 55 | 88
Whistle      | Whistle                | counter | 67 | 93
Guitar       | Acoustic Guitar (steel)| harmony | 40 | 72
Bass         | Acoustic Bass          | bass    | 28 | 52
= electronic | synths, synth band, electronic set
Lead         | Lead 2 (sawtooth)      | melody  | 57 | 88
Pad          | Pad 2 (warm)           | pad     | 48 | 79
Bass         | Synth Bass 1           | bass    | 28 | 50
Drums        | Drum Kit               | drums   | 27 | 87
= chiptune | 8-bit, 8 bit, chip band
Lead         | Lead 1 (square)        | melody  | 60 | 93
Arpeggio     | Lead 1 (square)        | harmony | 55 | 86
Bass         | Lead 2 (sawtooth)      | bass    | 36 | 57
Drums        | Drum Kit               | drums   | 27 | 87
= ambient | ambient set
Keys         | Electric Piano 1       | melody  | 55 | 86
Pad          | Pad 2 (warm)           | pad     | 45 | 79
Bass         | Synth Bass 1           | bass    | 26 | 48
= lo-fi band | lofi, lo-fi, lofi band
Keys         | Electric Piano 1       | harmony | 48 | 79
Melody       | Vibraphone             | melody  | 55 | 86
Bass         | Electric Bass (finger) | bass    | 28 | 50
Drums        | Drum Kit               | drums   | 27 | 87
= voice and piano | song, lied
Voice        | Voice Oohs             | melody  | 57 | 79
Piano        | Acoustic Grand Piano   | harmony | 36 | 79
= guitar duo | guitar duet
Guitar I     | Acoustic Guitar (nylon)| melody  | 52 | 81
Guitar II    | Acoustic Guitar (nylon)| harmony | 40 | 72
"""


def _build_ensembles() -> tuple[dict[str, tuple[EnsemblePart, ...]], dict[str, str]]:
    by_name = {instrument.name: instrument for instrument in (*GM_INSTRUMENTS, DRUM_KIT)}
    ensembles: dict[str, tuple[EnsemblePart, ...]] = {}
    aliases: dict[str, str] = {}
    title = ""
    for line in _ENSEMBLE_TABLE.strip().splitlines():
        cells = [cell.strip() for cell in line.lstrip("=").split("|")]
        if line.startswith("="):
            title = cells[0]
            ensembles[title] = ()
            aliases.update({alias.strip(): title for alias in cells[1].split(",") if alias.strip()})
            continue
        name, instrument, role, low, high = cells
        part = EnsemblePart(name, by_name[instrument], role, int(low), int(high))
        ensembles[title] = (*ensembles[title], part)
    return ensembles, aliases


ENSEMBLES: dict[str, tuple[EnsemblePart, ...]]
"""Ensembles by name, parts in score order."""
ENSEMBLES, _ENSEMBLE_ALIASES = _build_ensembles()


def find_ensemble(text: str) -> tuple[EnsemblePart, ...] | None:
    """Return the parts of an ensemble by a common name; None where nothing fits.

    Examples
    --------
    >>> [part.instrument.name for part in find_ensemble("String Quartet")]
    ['Violin', 'Violin', 'Viola', 'Cello']
    """
    name = _normalised(text)
    for key in (name, name.removesuffix("s"), name.removeprefix("a ")):
        key = _ENSEMBLE_ALIASES.get(key, key)
        if key in ENSEMBLES:
            return ENSEMBLES[key]
    return None
