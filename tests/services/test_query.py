"""What may be played: words, and links to the sites that are allowed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import UserError
from services.query import Query, QueryReader

READER = QueryReader((), ("ytmsearch", "scsearch"))
OWN = QueryReader(("127.0.0.1", "music.example:8443", "::1"), ("ytsearch",))


@pytest.mark.parametrize(
    "words",
    [
        "morning",
        "Re:Zero opening",
        "AC/DC",
        "will.i.am",
        "feat./remix",
        "夜に駆ける",
        "C# minor",
        "a <b> c",
        "12:30",
    ],
)
def test_words_are_searched_for(words: str) -> None:
    assert READER.read(f"  {words} ") == Query(words, is_url=False)


@pytest.mark.parametrize(
    ("link", "meant"),
    [
        ("https://youtube.com/watch?v=1&list=2#t=3", "https://youtube.com/watch?v=1&list=2"),
        ("https://www.YouTube.com/watch?v=1", "https://www.youtube.com/watch?v=1"),
        ("<https://youtu.be/1>", "https://youtu.be/1"),
        ("youtu.be/1", "https://youtu.be/1"),
        ("HTTPS://m.soundcloud.com./a/b", "https://m.soundcloud.com/a/b"),
        ("ｈｔｔｐｓ://ｙｏｕｔｕｂｅ．com/x", "https://youtube.com/x"),
    ],
)
def test_a_link_to_an_allowed_site_passes(link: str, meant: str) -> None:
    assert READER.read(link) == Query(meant, is_url=True)


@pytest.mark.parametrize(
    "link",
    [
        "http://[",
        "http://[::1",
        "http://",
        "https:",
        "http://evil.example/a.mp3",
        "evil.example/a.mp3",
        "//evil.example/a",
        "https://youtube.com.evil.example/",
        "https://notyoutube.com/",
        "https://youtube.com@127.0.0.1/",
        "https://youtube.com:x@evil.example/",
        "https://user@youtube.com/",
        "https://evil.example\\@youtube.com/",
        "https://youtube.com\\.evil.example/",
        "http://127.0.0.1:2333/version",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://①②⑦.⓪.⓪.①/",
        "http://１２７.０.０.１/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://localhost/",
        "http://169.254.169.254/latest/meta-data",
        "http://%31%32%37.0.0.1/",
        "https://yоutube.com/",
        "https://youtube.com:99999/",
        "file:///etc/passwd",
        "file:/etc/passwd",
        "ftp://youtube.com/x",
        "data:audio/wav;base64,AAAA",
        "icy://youtube.com/",
        "javascript:alert(1)",
        "http:youtube.com/x",
        "https://youtube。com/x",
        "https:///youtube.com",
    ],
)
def test_any_other_link_is_refused_in_one_sentence(link: str) -> None:
    with pytest.raises(UserError) as refusal:
        READER.read(link)
    assert refusal.value.text("en").endswith(".")
    assert "\n" not in refusal.value.text("en")


@pytest.mark.parametrize("query", ["", "   ", "\u3000", "a" * 5_000, "a\nb", "a\x00b", "a\x1b[0m", "\ud800"])
def test_a_query_that_is_none_is_refused_in_one_sentence(query: str) -> None:
    with pytest.raises(UserError) as refusal:
        READER.read(query)
    assert refusal.value.text("en").endswith(".")


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:4000/a.wav",
        "http://127.0.0.1/a",
        "https://music.example:8443/a",
        "http://[::1]:80/a",
    ],
)
def test_a_host_that_the_operator_allowed_passes(link: str) -> None:
    assert OWN.read(link) == Query(link, is_url=True)


@pytest.mark.parametrize(
    "link",
    [
        "http://2130706433/a",
        "https://music.example/a",
        "https://youtube.com/a",
        "http://x.127.0.0.1/a",
        "http://[::2]/",
    ],
)
def test_only_what_the_operator_allowed_passes_then(link: str) -> None:
    with pytest.raises(UserError):
        OWN.read(link)


@given(st.text(max_size=600))
def test_no_text_is_anything_but_words_a_link_or_refused(text: str) -> None:
    try:
        query = READER.read(text)
    except UserError:
        return
    assert query.text
    if query.is_url:
        assert query.text.startswith(("https://", "http://"))
    else:
        assert "://" not in query.text or not query.text.lower().startswith(("http", "file"))
