"""A wrong setting is named at the start, all wrong ones at once; what is right needs nothing but a token."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.settings import Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.lower() in Settings.model_fields:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def faults(monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict[str, str]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return caught.value.faults


def test_a_token_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "token")
    settings = load_settings()
    assert settings.lavalink_nodes == ("http://:youshallnotpass@localhost:2333",)
    assert (settings.supabase_url, settings.gemini_api_key) == (None, None)
    assert (settings.stats_interval, settings.position_interval, settings.http_port) == (300, 10, 8080)


def test_the_env_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("DISCORD_TOKEN=from-file\nHTTP_PORT=9000\n")
    monkeypatch.setenv("HTTP_PORT", "9001")
    settings = load_settings()
    assert (settings.discord_token, settings.http_port) == ("from-file", 9001)


def test_every_wrong_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "DISCORD_TOKEN": "two words",
        "DISCORD_API_URL": "http://[",
        "DISCORD_GATEWAY_URL": "https://not-a-websocket",
        "DISCORD_CDN_URL": "ftp://cdn",
        "LAVALINK_NODES": "http://:pw@good:2333,nonsense",
        "GEMINI_API_KEY": "tab\tkey",
        "GEMINI_API_ENDPOINT": "http://host",
        "GEMINI_MODEL": "a model",
        "SUPABASE_URL": "https://project.supabase.co",
        "SEARCH_SOURCES": "youtube",
        "ALLOWED_HOSTS": "https://youtube.com/",
        "HTTP_HOST": "a b",
        "HTTP_PORT": "65536",
        "STATS_INTERVAL": "soon",
        "POSITION_INTERVAL": "nan",
        "LOG_LEVEL": "LOUD",
        "LOG_FORMAT": "xml",
        "DEFAULT_LOCALE": "fr",
    }
    assert faults(monkeypatch, **wrong).keys() == wrong.keys()


def test_a_secret_is_in_no_fault_and_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    told = faults(monkeypatch, DISCORD_TOKEN="canary token", GEMINI_API_KEY="canary\nkey", LAVALINK_NODES="canary")
    assert "canary" not in str(told)
    monkeypatch.setenv("DISCORD_TOKEN", "canary-1")
    monkeypatch.setenv("GEMINI_API_KEY", "canary-2")
    monkeypatch.setenv("LAVALINK_NODES", "http://:canary-3@host:1")
    settings = load_settings()
    assert "canary" not in repr(settings)
    assert settings.secrets == ("canary-1", "canary-2", "canary-3")
    monkeypatch.setenv("LAVALINK_NODES", "http://:c%40nary-3@host:1")
    monkeypatch.setenv("DISCORD_API_URL", "https://me:proxy-secret@host/api/v10")
    assert {"c%40nary-3", "c@nary-3", "proxy-secret"} <= {*load_settings().secrets}


def test_a_file_of_settings_that_is_no_text_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes("# 設定\nDISCORD_TOKEN=x".encode("shift_jis"))
    assert list(faults(monkeypatch)) == [".env"]
    (tmp_path / ".env").write_bytes("DISCORD_TOKEN=x".encode("utf-8-sig"))
    assert load_settings().discord_token == "x"


def test_faults_are_told_in_the_operators_language(monkeypatch: pytest.MonkeyPatch) -> None:
    told = faults(monkeypatch, DEFAULT_LOCALE="ja", HTTP_PORT="x")
    assert told["DISCORD_TOKEN"] != "is required"
    assert "65535" in told["HTTP_PORT"]


def test_empty_is_unset_but_for_the_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GEMINI_API_KEY", "SUPABASE_URL", "HTTP_PORT", "LAVALINK_NODES", "DISCORD_GATEWAY_URL"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("DISCORD_TOKEN", "token")
    settings = load_settings()
    assert settings.lavalink_nodes == ()
    assert (settings.gemini_api_key, settings.supabase_url, settings.http_port) == (None, None, 8080)


def test_the_service_key_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "token")
    monkeypatch.setenv("SUPABASE_URL", "https://p.supabase.co/")
    monkeypatch.setenv("SUPABASE_ANON_KEY", "anon")
    assert load_settings().supabase_key == "anon"
    monkeypatch.setenv("SUPABASE_SERVICE_ROLE_KEY", "service")
    settings = load_settings()
    assert (settings.supabase_key, settings.supabase_url) == ("service", "https://p.supabase.co")


def test_a_key_without_a_project_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    assert faults(monkeypatch, DISCORD_TOKEN="token", SUPABASE_ANON_KEY="anon").keys() == {"SUPABASE_URL"}
