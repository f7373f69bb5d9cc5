"""Requests made from the API's own description, right and wrong: none is answered with 500.

Beside `test_schemathesis.py`, because these know what there is: a campaign that runs, a call that
ended, an agent who has to tell what came of it.
"""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

N_ROUNDS = 40
ODD: list[Any] = [
    None, True, 0, -1, 10**30, 1.5, float("nan"), "", " ", "\x00", "\ud800", "é" * 300, "1\r\n2",
    "=1+1", [], [None], {}, {"": None}, "../..", "%00", "+12025550100", "2026-13-45", "24:00",
]  # fmt: skip
TEXTS = ["a", "carrier", "+12025550100", "US", "UTC", "mon", "08:00", "busy", "1i0", "1-1", "9"]


class Maker:
    """Values that fit a JSON schema, but for one time in `odds`."""

    def __init__(self, document: dict[str, Any], seed: int) -> None:
        self.random, self.schemas = random.Random(seed), document["components"]["schemas"]

    def value(self, schema: dict[str, Any], depth: int = 0) -> Any:
        if self.random.random() < 0.1 or depth > 6:
            return self.random.choice(ODD)
        if "$ref" in schema:
            return self.value(self.schemas[schema["$ref"].rsplit("/", 1)[1]], depth + 1)
        for key in ("anyOf", "oneOf", "allOf"):
            if key in schema:
                return self.value(self.random.choice(schema[key]), depth + 1)
        if "enum" in schema or "const" in schema:
            return self.random.choice(schema.get("enum") or [schema["const"]])
        return self._of_type(schema, depth)

    def _of_type(self, schema: dict[str, Any], depth: int) -> Any:
        low = schema.get("minimum", 0)
        match schema.get("type"):
            case "object":
                return self._object(schema, depth)
            case "array":
                n = self.random.randint(0, 3)
                return [self.value(schema.get("items", {}), depth + 1) for _ in range(n)]
            case "integer":
                return self.random.randint(int(low), int(min(schema.get("maximum", 99), low + 99)))
            case "number":
                return self.random.uniform(low, min(schema.get("maximum", 99), low + 99))
            case "boolean":
                return self.random.random() < 0.5
            case "null":
                return None
        return self.random.choice(TEXTS)

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for name, of in schema.get("properties", {}).items():
            if name in schema.get("required", ()) or self.random.random() < 0.3:
                given[name] = self.value(of, depth + 1)
        if isinstance(schema.get("additionalProperties"), dict):
            given["busy"] = self.value(schema["additionalProperties"], depth + 1)
        return given


def as_text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("seed", range(4))
async def test_no_request_is_answered_with_500(
    app, admin, make_campaign, make_agent, api, settle, seed
):
    campaign = await make_campaign(n_contacts=3)
    await api("POST", f"/campaigns/{campaign['id']}/play")
    await settle(campaign["id"], agent_id=campaign["agent_ids"][0])
    document = app.openapi()
    maker = Maker(document, seed)
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if not path.endswith("/events")
    ]
    for _ in range(N_ROUNDS):
        path, method, operation = maker.random.choice(operations)
        options: dict[str, Any] = {"params": {}, "headers": {}}
        for parameter in operation.get("parameters", ()):
            value = as_text(maker.value(parameter["schema"]))
            if parameter["in"] == "path":
                simple = "".join(c for c in value if c not in "/?#%\r\n\x00") or "1"
                path = path.replace(f"{{{parameter['name']}}}", maker.random.choice(["1", simple]))
            elif parameter["in"] == "query" and maker.random.random() < 0.4:
                options["params"][parameter["name"]] = value
            elif value.isascii() and value.isprintable():
                options["headers"][parameter["name"]] = value
        if "requestBody" in operation:
            kind, body = maker.random.choice(list(operation["requestBody"]["content"].items()))
            options["headers"]["Content-Type"] = kind
            options["content"] = json.dumps(maker.value(body["schema"])).encode()
        answer = await admin.request(method.upper(), path, **options)
        told = (seed, method, path, options, answer.status_code, answer.text[:500])
        assert answer.status_code < 500, told
        assert str(answer.status_code) in operation["responses"], told
        if answer.status_code >= 400:
            assert set(answer.json()) == {"type", "title", "status", "code", "detail", "errors"}
