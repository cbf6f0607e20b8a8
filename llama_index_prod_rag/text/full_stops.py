"""Full stops that end no sentence in languages other than English: ordinals (`am 1. Mai`) and abbreviations. Core.

What a full stop means there means something else in English (`I am 12. My aim`), so the words around it tell first
whether the text is in English.
"""

from __future__ import annotations

import regex

_AROUND = 200
"""Characters before and behind a full stop whose words tell the language."""

# Without those that are words elsewhere, too, as `in`, `is`, `on`, `an`, `was` and `for`.
_ENGLISH_WORDS = (
    "the and to that by with it this are be as from not have has had were which will would can he she they we you if"
    " but his her their its our your my what when how there all been one"
)
# Languages that write the third as `3.`: German, Danish and Norwegian, Czech and Slovak, Croatian, Serbian and
# Slovene, Polish, Finnish and Estonian, Hungarian, Turkish, Latvian. None of these words is one in English.
_ORDINAL_WORDS = (
    "der das dem den des und ist ein eine einen einem einer im vom zum zur mit auf von für nicht wird wurde wurden nach"
    " bei sich sind als aus beim durch über unter oder zwischen dass seit bis hat gilt werden"
    " og det af av til på som er ikke med fra blev ble ved etter efter skal eller"
    " se je na že ve ze od po podle byl byla bylo jsou která který které jako sa ako bol bola sú ktorý"
    " su kao iz za koji koja da bio bila ili nije leta bil"
    " nie się jest oraz przez dla roku został dnia ust"
    " ja oli että sekä ovat joka mutta vuonna klo ning kui oma aasta"
    " az és hogy egy volt nem ezt szerint valamint"
    " bir bu için olarak ile"
    " un ir ar par gada"
)
# French, Spanish, Italian, Dutch, Portuguese, Swedish: they shorten words, but write no ordinals so.
_OTHER_WORDS = (
    "le la les des du et est une pour dans par sur que qui el los del las por para con il di della che per nel de het"
    " een van en dat op te voor os da das dos uma com não och att är för som av på"
)
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_ORDINAL_LANGUAGES = frozenset(_ORDINAL_WORDS.split())
_OTHER_LANGUAGES = frozenset(_OTHER_WORDS.split())
_FEW = 2
"""So many words of other languages say that an abbreviation is one of theirs: English texts hold foreign names."""
# Months in the languages above, by their beginnings; cases and endings follow.
_MONTH = regex.compile(
    r"""(?ix)(?:jan(?:uar|uár|vár|vāri|uari)|jänner|feb(?:ruar|ruár|ruāri)|märz|mart|mars\b|marec|marca|március|april|apríl
    |aprīl|apri[lł]|április|mai\b|maj|máj|május|jun[iu]|jún|jul[iu]|júl|august|augusz|avgust|september|szept|septemb
    |oktober|október|oktob|november|novemb|dezember|desember|december|decemb|leden|ledna|únor|břez|dub(?:en|na)|květ|červ
    |srp|září|říj|listopad|prosin|sije[čc]|velja[čc]|ožuj|trav|svib|lip|kolov|ruj|studen|tammi|helmi|maalis|huhti
    |touko|kesä|heinä|elo|syys|loka|marras|joulu|stycz|lut|kwie|czerw|lipc|sierp|wrze|paźdz|grud|ocak|şubat|nisan|mayıs
    |haziran|temmuz|ağustos|eylül|ekim|kasım|aralık)"""
)
# Before a number these make an ordinal of it, even where a noun follows: `im 19. Jahrhundert`.
_LEADS = regex.compile(
    r"(?i)(?<![\p{L}\p{N}])(?:der|die|das|dem|den|des|im|(?<!i )am|vom|zum|zur|beim|ins|jede[rsmn]?|diese[rsmn]?"
    r"|unsere[rsmn]?|seine[rsmn]?|ihre[rsmn]?|eine[rsmn]?|det|d\.|a|az)[ \t\u00a0]+\Z"
)
_NUMBER = regex.compile(r"\p{Nd}{1,4}|[IVXLC]{1,7}")
_SHORT = regex.compile(
    r"""(?x) bspw|ggf|evtl|inkl|zzgl|vgl|sog|\w*str|tel|ziff|bst|lit|rn|rdnr|aufl|hrsg|geb|gest|gem|bd|allg|bzgl
    |einschl|entspr|ausschl|max|min|dipl|ing|hr|jh|mio|mrd|std|verf|anm|gez|stk|jf|kl|dvs|pkt|pst|maks|fx|stk|mht|hhv|vedr
    |např|tzv|resp|tj|mj|č|čl|odst|písm|sb|npr|tzn|np|tzw|ust|poz|zob|tj|godz|im|esim|ks|mm|nk|ns|ym|pl|ill|sz|stb|bek
    |old|vö|örn|vb|bkz|bijv|blz|enz|mevr|dhr|ca|resp|ex|ej|apdo|pág|págs|núm|art|arts|sig|pag|cfr|exmo|exma
    |p\.ej|p\.ex|f\.eks|bl\.a|t\.ex|m\.in|i\.v\.m|i\.s\.d|z\.t|v\.a|o\.ä|u\.u|s\.o|s\.u|m\.e|i\.d\.r|o\.a|m\.b\.t"""
)
# Abbreviations that are words, too: before a capital letter they end their sentence ("Han satte sig. Det regnade.").
_WORDS_TOO = frozenset({"ej", "ex", "max", "min", "sig"})
_LAST_DAY = 31  # of a month: "Es begann 1999. August war da."
# The first half of an abbreviation that is set apart: `z. B.`, `d. h.`, `i. V. m.`, `p. ex.`
_HALF = regex.compile(
    r"(?:z\.\s?B|d\.\s?h|i\.\s?(?:V|S|d)|V\.\s?m|S\.\s?[dv]|u\.\s?[aU]|o\.\s?[äÄ]|v\.\s?a|p\.\s?e[xj]|t\.\s?ex|m\.\s?in|a\.\s?s)\."
)
_OTHER_HALF = regex.compile(r"(?:z\.\s?B|d\.\s?h|i\.\s?V\.\s?m|p\.\s?e[xj]|t\.\s?ex|m\.\s?in)\Z")
_WORD = regex.compile(r"\p{L}+")
LAST_WORD = regex.compile(r"(?:[\p{L}]\.)*[\p{L}\p{N}]+\Z")
"""The word that ends where it is searched to, with the letters and full stops of an abbreviation before it."""


def is_no_end(text: str, dot: int, following: int) -> bool:
    """Whether a full stop belongs to an ordinal or an abbreviation of a language other than English.

    Args:
        text: any text.
        dot: where the full stop is; another sign ends its sentence.
        following: where the next word begins.

    Examples:
        >>> text = "Das Gesetz gilt seit dem 1. Mai und ist neu."
        >>> is_no_end(text, 26, 28)
        True
        >>> is_no_end("I am at the age of 12. My aim is good.", 21, 23)
        False
    """
    found = LAST_WORD.search(text, max(0, dot - 24), dot)
    if found is None or text[dot] != "." or text.startswith("..", dot):
        return False
    word, start = found.group(), found.start()
    numbered = _NUMBER.fullmatch(word) is not None
    if not numbered and len(word) > 1 and not _is_short(word.lower(), text[following]):
        return False
    leads = numbered and _LEADS.search(text, max(0, start - 12), start) is not None
    month = numbered and _MONTH.match(text, following) is not None and not (word.isdecimal() and int(word) > _LAST_DAY)
    if leads and month:
        return True
    if numbered and not (leads or month or text[following].islower()):
        return False
    if not numbered and (_HALF.match(text, start) or _OTHER_HALF.search(text, max(0, start - 7), dot)):
        return True
    ordinals, shortens = _tell_language(text, dot)
    return ordinals if numbered else shortens


def _is_short(word: str, following: str) -> bool:
    return _SHORT.fullmatch(word) is not None and not (word in _WORDS_TOO and following.isupper())


def _tell_language(text: str, dot: int) -> tuple[bool, bool]:
    """Whether the words around are of a language that writes ordinals with a full stop; of any but English."""
    words = [word.lower() for word in _WORD.findall(text, max(0, dot - _AROUND), dot + _AROUND)]
    english = sum(word in _ENGLISH for word in words)
    ordinal = sum(word in _ORDINAL_LANGUAGES for word in words)
    other = sum(word in _OTHER_LANGUAGES for word in words)
    return ordinal > english and ordinal >= other, max(ordinal, other) >= max(_FEW, 2 * english)
