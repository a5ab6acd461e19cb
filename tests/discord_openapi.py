"""Requests and answers against Discord's own OpenAPI document, where one is given (``DISCORD_OPENAPI=file``)."""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Iterator, Sequence
from functools import cache, reduce
from operator import getitem
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from sandbox.discord import DiscordStandIn, Record

VARIABLE = "DISCORD_OPENAPI"
MISSING = f"set {VARIABLE} to openapi.json of github.com/discord/discord-api-spec"
ANSWERS, REQUESTS = "urn:discord:answers", "urn:discord:requests"
# Where the document is wrong or stricter than life: in which direction, what, what it should be.
CORRECTIONS: tuple[tuple[str, str, Any], ...] = (
    # discord.com/developers/docs/reference#error-messages shows names, as life does, and no numbers.
    (
        ANSWERS,
        "/components/schemas/InnerErrors/properties/_errors/items",
        {"properties": {"code": {"type": "string"}, "message": {"type": "string"}}, "required": ["code", "message"]},
    ),
    # discord.com/developers/docs/topics/rate-limits#exceeding-a-rate-limit has a code only "if available", and
    # what Cloudflare answers to a banned address says of no limit.
    (
        ANSWERS,
        "/components/schemas/RatelimitedResponse",
        {
            "properties": {
                "message": {"type": "string"},
                "retry_after": {"type": "number"},
                "global": {"type": "boolean"},
                "code": {"type": "integer"},
            },
            "required": ["message"],
            "if": {"properties": {"message": {"pattern": "^You are being blocked"}}},
            "then": {"required": ["code"]},
            "else": {"required": ["retry_after", "global"]},
        },
    ),
    # Clients may send integers, and every library does (discord.com/developers/docs/reference#snowflakes).
    (REQUESTS, "/components/schemas/SnowflakeType", {"type": ["string", "integer"], "pattern": "^[0-9]+$"}),
)


def given() -> bool:
    """Whether there is a document to compare with."""
    return VARIABLE in os.environ


def check(records: Sequence[Record], *, refused: bool = True) -> None:
    """Fail with all that is not as Discord documents it, each in words and once.

    Without `refused`, requests that were refused may be as wrong as they like.
    """
    if given():
        found = [fault for record in records for fault in faults(record, request=refused or record.status < 400)]
        assert not found, "not as Discord documents it:\n" + "\n".join(dict.fromkeys(found))


class Memory:
    """What was wrong with the requests that a stand-in keeps no longer."""

    def __init__(self, discord: DiscordStandIn) -> None:
        self.faults: list[str] = []
        discord.when_forgotten(self._look)

    def _look(self, record: Record) -> None:
        if given():
            self.faults += faults(record)


def faults(record: Record, *, request: bool = True) -> list[str]:
    """What one request (unless it may be wrong) and its answer have that Discord does not document."""
    path = path_of(record.path)
    operation = path and document()["paths"][path].get(record.method.lower())
    if not path or operation is None:
        return [f"{record.method} {record.path}: no such request is documented"] if request else []
    pointer = f"/paths/{escaped(path)}/{record.method.lower()}"
    found: list[str] = []
    if request:
        found += [*path_faults(record, path), *query_faults(record, pointer, operation)]
        found += body_faults(record, pointer, operation)
    found += answer_faults(record, pointer, operation)
    return [f"{record.method} {path} {fault}" for fault in found]


def schema_fault(direction: str, schema: str, value: Any) -> str | None:
    """The most telling difference of a value from the schema at this JSON pointer, or None."""
    judge = validator(direction, schema)
    # Most values are right, and that is much quicker said than what is wrong with one.
    error = None if judge.is_valid(value) else best_match(judge.iter_errors(value))
    return None if error is None else f"{error.json_path}: {error.message[-300:]}"


def path_faults(record: Record, path: str) -> Iterator[str]:
    schemas = {
        f"{{{parameter['name']}}}": f"/paths/{escaped(path)}/parameters/{index}/schema"
        for index, parameter in enumerate(document()["paths"][path].get("parameters", []))
        if parameter["in"] == "path"
    }
    for name, value in zip(path.split("/"), record.path.split("/"), strict=True):
        if name in schemas and (fault := schema_fault(REQUESTS, schemas[name], value)):
            yield f"{name} {fault}"


def query_faults(record: Record, pointer: str, operation: Any) -> Iterator[str]:
    known = {
        parameter["name"]: f"{pointer}/parameters/{index}/schema"
        for index, parameter in enumerate(operation.get("parameters", []))
        if parameter["in"] == "query"
    }
    for name, text in record.query.items():
        if name not in known:
            yield f"query {name}: no such parameter is documented"
        elif all(schema_fault(REQUESTS, known[name], value) for value in readings(text)):
            yield f"query {name}: {schema_fault(REQUESTS, known[name], text)}"


def readings(text: str) -> Iterator[Any]:
    """What a query's text can mean."""
    yield text
    if re.fullmatch(r"-?\d+", text):
        yield int(text)
    if text.lower() in ("true", "false", "1", "0"):
        yield text.lower() in ("true", "1")


def body_faults(record: Record, pointer: str, operation: Any) -> Iterator[str]:
    wanted = operation.get("requestBody")
    if wanted is None:
        if record.body is not None:
            yield "request: a body where none is documented"
        return
    kind = "multipart/form-data" if record.files else "application/json"
    body = {} if record.body is None and record.files else record.body
    if body is None:
        # Of a request that was broken off the body may not have come.
        if wanted.get("required") and record.status:
            yield "request: no body"
    elif kind not in wanted["content"]:
        yield f"request: {kind} is not documented"
    elif fault := schema_fault(REQUESTS, f"{pointer}/requestBody/content/{escaped(kind)}/schema", body):
        yield f"request {fault}"


def answer_faults(record: Record, pointer: str, operation: Any) -> Iterator[str]:
    # A request that was never answered has no status, and the document leaves out what every server may answer.
    if not record.status or record.status >= 500:
        return
    documented = operation["responses"]
    status = next((s for s in (str(record.status), f"{record.status // 100}XX") if s in documented), None)
    if status is None:
        yield f"{record.status}: such an answer is not documented"
        return
    answer, where = documented[status], f"{pointer}/responses/{status}"
    if "$ref" in answer:
        where = answer["$ref"].removeprefix("#")
        answer = document()["components"]["responses"][where.rpartition("/")[2]]
    if "content" not in answer:
        if record.answer is not None:
            yield f"{record.status}: a body where none is documented"
    elif fault := schema_fault(ANSWERS, f"{where}/content/application~1json/schema", record.answer):
        yield f"{record.status} answer {fault}"


def path_of(path: str) -> str | None:
    """The document's path for a request's, the one with the fewest parameters; None if there is none."""
    steps = path.split("/")
    fitting = [known for known in paths_of(len(steps)) if all(map(fits, known.split("/"), steps))]
    return min(fitting, key=lambda known: known.count("{"), default=None)


def fits(known: str, step: str) -> bool:
    return known.startswith("{") or known == step


@cache
def paths_of(steps: int) -> list[str]:
    return [path for path in document()["paths"] if len(path.split("/")) == steps]


@cache
def document() -> Any:
    return json.loads(Path(os.environ[VARIABLE]).read_text())


@cache
def registry() -> Registry[Any]:
    return Registry[Any]().with_resources((name, corrected(name)) for name in (ANSWERS, REQUESTS))


def corrected(direction: str) -> Resource[Any]:
    contents = copy.deepcopy(document())
    for where, pointer, schema in CORRECTIONS:
        if where == direction:
            *parents, last = pointer.split("/")[1:]
            reduce(getitem, parents, contents)[last] = schema
    return Resource.from_contents(contents, DRAFT202012)


@cache
def validator(direction: str, pointer: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"{direction}#{pointer}"}, registry=registry())


def escaped(step: str) -> str:
    """One step of a JSON pointer in a URI's fragment."""
    return step.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
