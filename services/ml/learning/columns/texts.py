"""What texts are made of: shares of letters, digits and signs, and the language their small words betray."""

from __future__ import annotations

import re
import string
from collections import Counter

_OPERATORS = frozenset("+-*/=<>%^&|~")
_PUNCTUATION = frozenset(string.punctuation) - _OPERATORS - {"_"}
_WORD = re.compile(r"[^\W\d_]+")

_SMALL_WORDS = {
    "en": "the of and to in is that it was for on are with as his they be at have this from or had by not but what "
    "all were we when your can there an which she do their if will how about",
    "fr": "le la les de des du et un une est que qui dans pour pas sur au aux avec ce cette il elle nous vous je ne "
    "plus par mais ou sont être fait comme leur",
    "de": "der die das und ist nicht ein eine zu den mit von für auf dem des im sich als auch es an werden aus er "
    "hat dass sie nach wird bei ich wir aber oder",
    "it": "il lo la gli le di del della che e un una per non con sono si da nel alla anche come più ma dei questo "
    "ha era quando essere",
    "es": "el la los las de del que y en un una por con no es para se su al lo como más pero sus le ya este sí "
    "porque esta son entre está cuando muy",
    "pt": "o a os as de do da dos das que e em um uma para com não é por mais se na no como mas ao ele seu sua ou "
    "quando muito nos já eu também só",
}
_LANGUAGES = {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}
LANGUAGE_NAMES = (*_LANGUAGES, "others", "none")


class StreamedTexts:
    """Takes texts with how often each came; looks at no more than `limit` different ones."""

    def __init__(self, limit: int = 5000) -> None:
        self._left = limit
        self.seen = 0
        self._words = 0
        self._characters: Counter[str] = Counter()
        self._languages: Counter[str] = Counter()

    @property
    def wants_more(self) -> bool:
        """Whether it looks at the next text."""
        return self._left > 0

    def add(self, text: str, count: int) -> None:
        if self._left <= 0:
            return
        self._left -= 1
        self.seen += count
        words = _WORD.findall(text[:2000].lower())
        self._words += len(text.split()) * count
        self._languages[_language(words)] += count
        for sign, times in Counter(text[:2000]).items():
            self._characters[_kind(sign)] += times * count

    @property
    def mean_words(self) -> float:
        return self._words / self.seen if self.seen else 0.0

    @property
    def share_in_a_language(self) -> float:
        """Share of texts that a known language's small words run through."""
        return sum(self._languages[name] for name in _LANGUAGES) / self.seen if self.seen else 0.0

    def summary(self) -> dict[str, float | None]:
        if not self.seen:
            return {}
        signs = self._characters.total() or 1
        kinds = ("uppercase", "lowercase", "digit", "punctuation", "operators", "underscore", "space")
        found: dict[str, float | None] = {
            f"str_percent_{kind}": round(100 * self._characters[kind] / signs, 3) for kind in kinds
        }
        for name in LANGUAGE_NAMES:
            found[f"str_language_{name}"] = round(100 * self._languages[name] / self.seen, 3)
        return found


def _kind(sign: str) -> str:
    if sign.isdigit():
        return "digit"
    if sign.isspace():
        return "space"
    if sign == "_":
        return "underscore"
    if sign in _OPERATORS:
        return "operators"
    if sign in _PUNCTUATION:
        return "punctuation"
    return "uppercase" if sign.isupper() else "lowercase"


def _language(words: list[str]) -> str:
    """The language most of whose small words are there; one word alone says nothing."""
    if len(words) < 3:
        return "none"
    known = set(words)
    best = max(_LANGUAGES, key=lambda language: len(known & _LANGUAGES[language]))
    if len(known & _LANGUAGES[best]) >= max(1, len(known) // 12):
        return best
    return "others"
