"""Numbers written out, in the languages whose statutes and contracts are read. Core: strings alone."""

from __future__ import annotations

from itertools import chain

# English, Romance languages, Polish, Czech, Russian, Dutch, Swedish, Danish, Norwegian, Finnish, Hungarian.
_WRITTEN_OUT = (
    "one first premier première primero primera primo prima primeiro primeira unique único única unico unica pierwszy"
    " pierwsza pierwsze první первый первая первое eerste första første ensimmäinen első",
    "two second segundo segunda secondo seconda deuxième drugi druga drugie druhá druhý druhé второй вторая второе"
    " tweede andra anden andet andre annen annet toinen második",
    "three third tercero tercera terzo terza terceiro terceira troisième trzeci trzecia trzecie třetí третий третья"
    " третье derde tredje kolmas harmadik",
    "four fourth cuarto cuarta quarto quarta quatrième czwarty czwarta czwarte čtvrtá čtvrtý čtvrté четвертый четвёртый"
    " четвертая четвёртая vierde fjärde fjerde neljäs negyedik",
    "five fifth quinto quinta cinquième piąty piąta piąte pátá pátý páté пятый пятая vijfde femte viides ötödik",
    "six sixth sexto sexta sesto sesta sixième szósty szósta szóste šestá šestý šesté шестой шестая zesde sjätte sjette"
    " kuudes hatodik",
    "seven seventh séptimo séptima settimo settima sétimo sétima septième siódmy siódma siódme sedmá sedmý sedmé"
    " седьмой седьмая zevende sjunde syvende sjuende seitsemäs hetedik",
    "eight eighth octavo octava ottavo ottava oitavo oitava huitième ósmy ósma ósme osmá osmý osmé восьмой восьмая"
    " achtste åttonde ottende åttende kahdeksas nyolcadik",
    "nine ninth noveno novena nono nona neuvième dziewiąty dziewiąta dziewiąte devátá devátý deváté девятый девятая"
    " negende nionde niende yhdeksäs kilencedik",
    "ten tenth décimo décima decimo decima dixième dziesiąty dziesiąta dziesiąte desátá desátý desáté десятый десятая"
    " tiende tionde kymmenes tizedik",
    "eleven eleventh onzième elfde",
    "twelve twelfth douzième twaalfde",
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
_GERMAN = (
    "erst zweit dritt viert fünft sechst siebt acht neunt zehnt elft zwölft dreizehnt vierzehnt fünfzehnt sechzehnt"
    " siebzehnt achtzehnt neunzehnt zwanzigst"
)
_GERMAN_ENDINGS = ("er", "es", "e")

NUMBERS_WRITTEN_OUT = {
    word: value
    for value, (words, stem) in enumerate(zip(_WRITTEN_OUT, _GERMAN.split(), strict=True), start=1)
    for word in chain(words.split(), (stem + ending for ending in _GERMAN_ENDINGS))
} | {f"siebent{ending}": 7 for ending in _GERMAN_ENDINGS}
"""From a number in lower case, such as `first`, `erster` or `primera`, to its value."""
