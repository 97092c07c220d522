"""A sentence in the languages that refra speaks."""

from __future__ import annotations

from typing import Self


class Message(str):
    """A text in English that holds the same in Chinese; it is a plain text wherever English is wanted."""

    __slots__ = ("chinese",)
    chinese: str

    def __new__(cls, english: str, chinese: str) -> Self:
        """Return the pair of texts."""
        message = super().__new__(cls, english)
        message.chinese = chinese
        return message

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        return str(self), self.chinese

    def said(self, language: str) -> str:
        """Return the text in a language (`en` or `zh`)."""
        return self.chinese if language == "zh" else str(self)
