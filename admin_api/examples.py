"""Examples for the API's own description: what a first call of each kind may look like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]

PATHS: Mapping[str, Any] = {
    "campaign_id": 1,
    "contact_id": 1,
    "agent_id": 1,
    "connector_id": "1",
    "import_id": "1i0f1e2d3c4b5a6978",
    "phone": "+12025550177",
    "prefix": "+1900",
    "token_id": "0f1e2d3c4b5a6978",
}
MODELS: Mapping[str, Any] = {
    "CampaignIn": {
        "name": "Renewals",
        "settings": {
            "dialing": {"trunk": "carrier", "caller_ids": ["+12025550100"]},
            "redial": {"rules": {"busy": {"delay_s": 300, "max": 3}}},
        },
        "agent_ids": [1],
    },
    "CampaignPatch": {"settings": {"wrap_up_s": 15}, "version": 1},
    "CampaignClone": {"name": "Renewals, second week"},
    "ContactIn": {
        "phone": "+12025550142",
        "name": "Ann Lee",
        "region": "US-NY",
        "postal_code": "10001",
        "external_id": "A-17",
        "variables": {"shoe_size": "38"},
    },
    "ContactPatch": {"priority": 10},
    "AgentIn": {"name": "Ida", "extension": "1042", "mode": "off_hook", "campaign_ids": [1]},
    "AgentPatch": {"skills": ["german"]},
    "PauseIn": {"reason": "lunch"},
    "DispositionIn": {"attempt_id": "1a0000000000000000001", "code": "sale"},
    "DncIn": {"phones": ["+12025550177"], "source": "letter"},
    "TokenIn": {"role": "supervisor", "name": "report of the night"},
    "ConnectorIn": {
        "name": "Our Odoo",
        "kind": "odoo",
        "config": {"url": "https://odoo.example.com", "database": "crm", "login": "dialer"},
        "secrets": {"api_key": "…"},
    },
    "ConnectorPatch": {"name": "Our Odoo in Bonn"},
    "Problem": {
        "type": "about:blank",
        "title": "Unprocessable Entity",
        "status": 422,
        "code": "validation_error",
        "detail": "The request is not valid.",
        "errors": [{"field": "settings.dialing.ring_timeout_s", "message": "is too large"}],
    },
}
CSV = "phone,name,shoe_size\r\n+12025550142,Ann Lee,38\r\n"


def add_to(document: Document) -> None:
    """Into an OpenAPI document, wherever its parameters and models are named as here."""
    for name, example in MODELS.items():
        document["components"]["schemas"][name]["examples"] = [example]
    for methods in document["paths"].values():
        for operation in methods.values():
            _add_to_operation(operation)


def _add_to_operation(operation: Document) -> None:
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path" and parameter["name"] in PATHS:
            parameter["example"] = PATHS[parameter["name"]]
    for kind, body in operation.get("requestBody", {}).get("content", {}).items():
        if kind == "text/csv":
            body["example"] = CSV
        elif kind == "application/json" and (example := _of_model(body["schema"])):
            body["example"] = example


def _of_model(schema: Document) -> Any:
    """Also of a list of them, and of one that may be left out."""
    if schema.get("type") == "array":
        inner = _of_model(schema["items"])
        return inner and [inner]
    for one in (schema, *schema.get("anyOf", ())):
        if name := one.get("$ref", "").rpartition("/")[2]:
            return MODELS.get(name)
    return None
