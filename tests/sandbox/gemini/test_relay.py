"""The relay's own connections."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from sandbox.gemini.relay import HOST, Relay


async def test_a_connection_that_has_just_ended_by_itself_is_no_fault_of_a_reset() -> None:
    server = await asyncio.start_server(lambda *_: None, HOST, 0)
    async with server:
        relay = Relay(server.sockets[0].getsockname()[1])
        await relay.open()
        try:
            reader, writer = await asyncio.open_connection(HOST, relay.port)
            writer.write(b"a")
            await writer.drain()
            while not relay._clients:
                await asyncio.sleep(0)
            # An abort frees the socket before whoever serves the connection gets to hear of it.
            relayed = next(iter(relay._clients.values()))
            relayed.transport.abort()
            while relayed.get_extra_info("socket").fileno() >= 0:
                await asyncio.sleep(0)
            relay.reset()
            assert await reader.read() == b""
            writer.close()
        finally:
            await relay.close()


async def test_what_is_closed_waits_for_no_connection_that_is_just_being_made() -> None:
    server = await asyncio.start_server(lambda *_: None, HOST, 0)
    async with server:
        relay = Relay(server.sockets[0].getsockname()[1])
        await relay.open()
        reader, writer = await asyncio.open_connection(HOST, relay.port)
        while not relay._tasks:
            await asyncio.sleep(0)
        assert not relay._clients, "its way to the target is not open yet"
        async with asyncio.timeout(5):
            await relay.close()
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
        writer.close()


async def test_to_close_what_is_connected_is_no_error_in_anybodys_log(caplog: pytest.LogCaptureFixture) -> None:
    server = await asyncio.start_server(lambda *_: None, HOST, 0)
    async with server:
        relay = Relay(server.sockets[0].getsockname()[1])
        await relay.open()
        _, writer = await asyncio.open_connection(HOST, relay.port)
        while not relay._clients:
            await asyncio.sleep(0)
        await relay.close()
        writer.close()
        await asyncio.sleep(0)  # what the loop has to say of a task that was cancelled comes after it
    assert [record.getMessage() for record in caplog.records] == []
