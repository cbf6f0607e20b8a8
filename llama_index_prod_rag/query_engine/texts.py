"""The gate's own texts in the languages of those who ask."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.text.languages import function_words, language_named

_WORD = re.compile(r"\w+")
_CLEARLY = 2  # function words by which a question tells another language than the documents': "die" is English, too
_MOST = 3  # words of the question named on each side: whoever asked knows the others

PROMPTS = (
    "refusal_prompt",
    "nearest_prompt",
    "hedge_prompt",
    "extract_prompt",
    "interrupted_prompt",
    "downgraded_prompt",
    "clarify_prompt",
)
"""Names of the templates that a language needs.

`refusal_prompt` takes {reason} and {nearest}, which is empty or made with `nearest_prompt`; that and `extract_prompt`
take {summary}, the others {reason} and {summary}.
"""


@dataclass(frozen=True, slots=True)
class Texts:
    """Holds what the gate says in one language.

    Args:
        prompts: name -> template, for each of `PROMPTS`.
        mentions: takes {found} and {missing}: which words of the question the passages have, and which not.
        mentions_none: takes {missing}: where they have none.
        join: between the last two of several words, such as " and ".
        phrases: a reason in English -> in this language; `{}` stands for anything that is the same in both. A reason
            without an entry stays in English.

    Raises:
        ConfigurationError: a template is missing.
    """

    prompts: Mapping[str, str]
    mentions: str
    mentions_none: str
    join: str
    phrases: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if missing := [name for name in PROMPTS if name not in self.prompts]:
            raise ConfigurationError(f"texts need {', '.join(missing)} too: each of {', '.join(PROMPTS)}")

    def translate(self, reason: str) -> str:
        """Say a reason in this language, or leave it as it is."""
        if reason in self.phrases:
            return self.phrases[reason]
        for known, phrase in self.phrases.items():
            if "{}" in known and (found := re.fullmatch(re.escape(known).replace(r"\{\}", "(.+)"), reason, re.DOTALL)):
                return phrase.format(*found.groups())
        return reason

    def describe_mentions(self, found: Sequence[str], missing: Sequence[str]) -> str:
        """Say which words of the question the passages have and which they lack; nothing where they lack none.

        Examples:
            >>> TEXTS["english"].describe_mentions(["wing", "drag"], ["1950"])
            'they mention wing and drag, but not 1950'
        """
        if not missing:
            return ""
        named = {"found": self._list(found), "missing": self._list(missing)}
        return (self.mentions if found else self.mentions_none).format(**named)

    def _list(self, words: Sequence[str]) -> str:
        *first, last = words[:_MOST] or ("",)
        return f"{', '.join(first)}{self.join}{last}" if first else last


TEXTS: Mapping[str, Texts] = {
    "english": Texts(
        {
            "refusal_prompt": "I cannot answer this from the documents: {reason}.{nearest}",
            "nearest_prompt": "\n\nWhat comes closest in them:\n\n{summary}",
            "hedge_prompt": "I am not sure that the documents answer this: {reason}. The closest passages say:\n\n"
            "{summary}",
            "extract_prompt": "From the documents:\n\n{summary}",
            "interrupted_prompt": "\n\n[The answer broke off: {reason}.] The closest passages say:\n\n{summary}",
            "downgraded_prompt": "\n\n[Do not rely on the answer above: {reason}.] The closest passages say:\n\n"
            "{summary}",
            "clarify_prompt": "{reason}. Which one do you mean?\n\n{summary}",
        },
        mentions="they mention {found}, but not {missing}",
        mentions_none="none of them mentions {missing}",
        join=" and ",
        phrases={"the model was unsure of its own words (perplexity {})": "the model was unsure of its own words"},
    ),
    "german": Texts(
        {
            "refusal_prompt": "Das kann ich aus den Dokumenten nicht beantworten: {reason}.{nearest}",
            "nearest_prompt": "\n\nAm nächsten kommt darin:\n\n{summary}",
            "hedge_prompt": "Ich bin nicht sicher, ob die Dokumente das beantworten: {reason}. Die Stellen, die am "
            "nächsten kommen, sagen:\n\n{summary}",
            "extract_prompt": "Aus den Dokumenten:\n\n{summary}",
            "interrupted_prompt": "\n\n[Die Antwort brach ab: {reason}.] Die Stellen, die am nächsten kommen, sagen:"
            "\n\n{summary}",
            "downgraded_prompt": "\n\n[Auf die Antwort oben ist kein Verlass: {reason}.] Die Stellen, die am nächsten "
            "kommen, sagen:\n\n{summary}",
            "clarify_prompt": "{reason}. Was ist gemeint?\n\n{summary}",
        },
        mentions="darin kommt {found} vor, aber nicht {missing}",
        mentions_none="darin fehlt {missing}",
        join=" und ",
        phrases={
            "the passages found do not seem to hold the answer": "die gefundenen Stellen enthalten die Antwort "
            "anscheinend nicht",
            "the passages found may not hold the answer": "die gefundenen Stellen enthalten die Antwort vielleicht "
            "nicht",
            "the passages found are about different things, and may not hold the answer": "die gefundenen Stellen "
            "handeln von verschiedenen Dingen und enthalten die Antwort vielleicht nicht",
            "the passages found seem to hold the answer": "die gefundenen Stellen enthalten die Antwort anscheinend",
            "nothing was found for this question": "zu dieser Frage wurde nichts gefunden",
            "the passages found repeat the question and say nothing else": "die gefundenen Stellen wiederholen die "
            "Frage und sagen sonst nichts",
            "passages were found, but none of them is close enough to the question": "es wurden Stellen gefunden, "
            "aber keine kommt der Frage nahe genug",
            "the passages that were found could not be judged": "die gefundenen Stellen ließen sich nicht beurteilen",
            "the passages hold no text to quote": "die gefundenen Stellen enthalten keinen Text zum Zitieren",
            "a second look found an answer in the passages": "beim zweiten Lesen fand sich darin eine Antwort",
            "a second look found part of an answer": "beim zweiten Lesen fand sich darin ein Teil der Antwort",
            "a second look found no answer in the passages": "beim zweiten Lesen fand sich darin keine Antwort",
            "the search failed": "die Suche ist fehlgeschlagen",
            "a step of the search that no answer may go without failed": "ein Schritt der Suche, ohne den es keine "
            "Antwort geben darf, ist fehlgeschlagen",
            "the language model wrote nothing": "das Sprachmodell hat nichts geschrieben",
            "the language model failed": "das Sprachmodell ist ausgefallen",
            "the question is empty": "die Frage ist leer",
            "the question has {} characters, and {} is the most": "die Frage hat {} Zeichen, und {} ist das Höchste",
            "the number {} stands in no passage": "die Zahl {} steht in keiner Stelle",
            "a passage contradicts it ({})": "eine Stelle widerspricht ihr ({})",
            "no passage supports it ({})": "keine Stelle stützt sie ({})",
            "the model was unsure of its own words (perplexity {})": "das Modell war sich seiner Worte nicht sicher",
            "“{}” stands for several things in the documents": "„{}“ steht in den Dokumenten für Verschiedenes",
            "no reason given": "ohne Angabe von Gründen",
        },
    ),
}
"""The languages that come with the package."""


def check_languages(language: str | None, texts: Mapping[str, Texts]) -> tuple[str | None, dict[str, Texts]]:
    """Name the setting and the texts as `language_named` does, those of the package included.

    Raises:
        ConfigurationError: a language is not known, or has no texts.
    """
    known = {**TEXTS, **{language_named(name): of_language for name, of_language in texts.items()}}
    if language is not None and (language := language_named(language)) not in known:
        raise ConfigurationError(
            f"there are no texts in {language}: give texts={{{language!r}: Texts(...)}}, or one of {', '.join(known)}"
        )
    return language, known


def choose_language(question: str, documents: str, known: Mapping[str, Texts]) -> str:
    """Find the language to answer in: the question's where it is clear, else the documents', else English.

    Args:
        question: its words.
        documents: the language of what was found.
        known: the languages that there are texts in.

    Examples:
        >>> [choose_language(text, "english", TEXTS) for text in ("Wer hat den Pokal gewonnen?", "Die Hard, release")]
        ['german', 'english']
        >>> choose_language("EN-1090?", "german", TEXTS)
        'german'
    """
    fallback = documents if documents in known else "english"
    words = _WORD.findall(question.casefold())
    counts = {language: sum(word in function_words(language) for word in words) for language in known}
    best = max(counts, key=lambda language: counts[language])
    return best if counts[best] >= counts[fallback] + _CLEARLY else fallback
