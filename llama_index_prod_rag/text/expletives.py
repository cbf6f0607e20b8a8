"""Pronouns that stand for nothing: the time, the weather, a way, or what follows ("is it possible to ..."). Core.

They look like those that point back at a conversation, and a question without another one stands alone. The kinds are
those of grammars (Quirk et al., "A Comprehensive Grammar of the English Language", 1985, 10.26 and 18.33: "prop it",
anticipatory "it" and clefts; Duden, "Die Grammatik", on the German "es").
"""

from __future__ import annotations

import re

# "What was it built to do" asks about a thing, unless the participle is one of what people allow, want or think.
_OF_PEOPLE = r"(?:allow|permitt|requir|recommend|advis|suppos|expect|need|decid|agre|suggest|plann|report)ed\b"
_DONE = rf"(?!{_OF_PEOPLE})(?:\w+ed|built|made|meant|chosen|given|written)\W+(?:to|for)\b"
_JUDGED = (
    r"(?:ok|okay|safe|unsafe|legal|illegal|good|bad|fine|better|best|worth|hard|easy|difficult|dangerous|normal|useful|"
    r"common|rude|healthy|allowed|forbidden|necessary|wise|right|wrong)\b"
)
_OFTEN = r"(?:ever|never|often|always|usually|still|already|really|not|been|be|get|become|sometimes|going\W+to)\b"
_FALLS = r"(?:rain|snow|hail|drizzl|thunder)(?:s|es|ed|ing|y)?\b"
_FALLS_DE = r"(?:ge)?(?:regne|schnei|hagel|gewitter)(?:t|te|n|en)?\b"
_WEATHER = r"(?:cold|hot|warm|chilly|sunny|windy|cloudy|foggy|rainy|snowy|icy|stormy|humid|freezing|dark|mild)\b"
_WEATHER_DE = r"(?:kalt|warm|heiß|kühl|sonnig|windig|neblig|bewölkt|stürmisch|schwül|dunkel|hell|mild)\b"
# Of a place that the question names: "is it cold in winter?" asks of one that was named before.
_THERE = (
    r"(?:in|on|at|near)\W+(?!(?:the\W+)?(?:summer|winter|spring|autumn|fall|january|february|march|april|may|june|july|"
    r"august|september|october|november|december|morning|evening|night)\b)\w"
)
_THERE_DE = (
    r"(?:in|im|auf|an|am|bei)\W+(?!(?:sommer|winter|frühling|frühjahr|herbst|januar|februar|märz|april|mai|juni|juli|"
    r"august|september|oktober|november|dezember|morgen|abend|der\W+nacht)\b)\w+"
)
_SUBORDINATE_DE = r"(?:dass|daß|ob|wenn|bis|wie|was|wer|warum|wo|um)\b"

_PATTERNS = {
    "english": (
        rf"\bit\b(?!\W+{_DONE})(?:\W+\w+){{1,3}}?\W+(?:to|that|if|when|for)\b",  # "how long does it take to bake"
        rf"\bit\W+{_JUDGED}[^?.!;]*?\W(?:to|that|if|when|\w+ing)\b",  # "is it worth buying"
        r"\bit(?:'s|\W+is|\W+was)?\W+possible\b",
        r"\bit\W+(?:matters?|clear|unclear|known|obvious)\W+(?:which|who|how|what|where|whether|why)\b",
        r"\bit\W+(?:seems|seemed|appears|appeared|turns\W+out|turned\W+out|looks\W+like|looks\W+as)\b",
        r"\b(?:is|was)\W+it\W+(?:[\w'-]+\W+){1,4}?(?:who|which|that)\b",  # "was it Edison who"
        r"\b(?:why|how|who|what|where|when)\W+(?:is|was)\W+it\W+(?:that|who)\W+\w",
        r"\bit\W+like\W+(?:\w+ing|in|on|at)\b",  # "what is it like living in"
        rf"\bit(?:'s|\W+is|\W+was|\W+will)?(?:\W+{_OFTEN})*\W+{_FALLS}",
        rf"\bit(?:\W+{_OFTEN})*\W+{_WEATHER}\W+{_THERE}",
        rf"\b{_WEATHER}\W+(?:is|was|does|did|will|can)\W+it(?:\W+{_OFTEN})*\W+{_THERE}",
        # Not "what time is it open", "what year was it built", "what day is it on".
        r"\b(?:time|day|date|year|month|season|late)\W+(?:is|was|will)\W+it(?:\W+be)?"
        r"(?=\W*$|\W+(?:now|right|today|tomorrow|currently|when|here|there|over)\b|\W+(?:in|at)\W+\w)",
        r"\bit\W+(?:(?:already|still|now)\W+)?(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|noon|midnight|daytime|night)"
        r"(?=\W*$|\W+(?:in|now|today|already|there|yet)\b)",
        r"\b(?:far|long|way|many\W+\w+)\W+(?:is|was|will)\W+it\W+(?:to|until|till|between)\b",
        r"\b(?:far|long|many\W+\w+)\W+(?:is|was|does|will)\W+it\b[^?.!;]*?\Wfrom\b[^?.!;]*?\Wto\b",
    ),
    "german": (
        rf"\bes\b[^?.!;,]*,\s*{_SUBORDINATE_DE}",  # "stimmt es, dass"
        # "ist es erlaubt, hier zu parken"
        r"\bes\b[^?.!;]*?\W(?-i:zu\W+(?!den\b)[a-zäöüß]{3,}n|[a-zäöüß]+zu[a-zäöüß]+en)\b",
        r"\b(?:gibt|gab|gäbe|geht|ging|kommt|kam|handelt)\W+es\b",
        r"\bes\W+(?:gibt|gab|gäbe|scheint|heißt|handelt|sieht\W+so|geht\W+um|kommt\W+(?:auf|darauf|zu))\b",
        r"\bes(?:\W+\w+){0,4}?\W+(?:gibt|geben|gegeben)\b",
        rf"\bes(?:\W+\w+){{0,5}}?\W+{_FALLS_DE}",
        rf"\b{_FALLS_DE}\W+es\b",
        rf"\bes\W+(?:\w+\W+)?{_THERE_DE}(?:\W+\w+)?\W+{_WEATHER_DE}",
        rf"\b{_WEATHER_DE}\W+(?:ist|war|wird)\W+es\W+{_THERE_DE}",
        r"\b(?:uhr|spät|tag|datum|jahr|uhrzeit)\W+(?:ist|war|wird)\W+es"
        r"(?=\W*$|\W+(?:in|bei|gerade|jetzt|heute|morgen|dort|hier|auf)\b)",
        r"\bes\b[^?.!;]*?\W(?:von|vom)\b[^?.!;]*?\W(?:nach|bis|zu|zum|zur)\b",  # "wie weit ist es von A nach B"
        r"\b(?:weit|lange?|viele?\W+\w+)\W+(?:ist|sind|dauert|war)\W+es\W+(?:noch\W+)?(?:nach|bis|zum|zur)\b",
    ),
}
_PRONOUN = {"english": re.compile(r"\bit\b", re.IGNORECASE), "german": re.compile(r"\bes\b", re.IGNORECASE)}
_COMPILED = {
    language: [re.compile(pattern, re.IGNORECASE) for pattern in patterns] for language, patterns in _PATTERNS.items()
}


def find_expletives(question: str, language: str) -> set[int]:
    """Where the pronouns begin that stand for nothing; none in languages other than English and German.

    Examples:
        >>> find_expletives("What time is it in Tokyo?", "english"), find_expletives("What time is it open?", "english")
        ({13}, set())
        >>> find_expletives("Wie kalt ist es in Oslo?", "german")
        {13}
    """
    found = set()
    for pattern in _COMPILED.get(language, ()):
        for match in pattern.finditer(question):
            pronoun = _PRONOUN[language].search(question, match.start(), match.end())
            if pronoun:
                found.add(pronoun.start())
    return found
