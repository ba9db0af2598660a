"""What a user reads when something is wrong."""

from __future__ import annotations

from vosbench.errors import DataError, UsageError, VosbenchError, nearest


def test_an_error_says_what_where_and_what_to_do():
    error = DataError("torn", where="file a", fix="unpack again")
    assert "torn\n  where: file a\n  to do: unpack again" == str(error)
    assert isinstance(error, VosbenchError)


def test_an_error_without_place_or_advice_is_one_line():
    assert "wrong" == str(UsageError("wrong"))


def test_near_words_are_offered():
    assert "did you mean 'xmem'?" == nearest("xmen", ["stcn", "xmem"])


def test_without_a_near_word_all_are_named():
    assert "known are: stcn, xmem" == nearest("q", ["xmem", "stcn"])
    assert "known are: none" == nearest("q", [])
