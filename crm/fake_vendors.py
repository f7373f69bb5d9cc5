"""CRMs of known vendors for tests: they keep leads and calls, and ask for what the vendor asks.

Made from the vendors' documents. What a vendor would refuse is refused here too, so that a preset
that is wrong does not pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from crm.fake_crm import Asked, Reply

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class FakeLead:
    id: str
    name: str
    phone: str
    changed_at: datetime
    gone: bool = False
    dnc: bool = False
    state: str = ""
    zip_code: str = ""


class Refused(Exception):
    """`args`: status, body."""


@dataclass(slots=True)
class FakeVendor:
    leads: dict[str, FakeLead] = field(default_factory=dict)
    #: By the vendor's own id of the call.
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    page_size: int = 25

    def answer(self, asked: Asked) -> Reply:
        for method, pattern, handle in self.routes():
            found = re.fullmatch(pattern, asked.path)
            if found and method == asked.method:
                try:
                    return handle(asked, *found.groups())
                except Refused as error:
                    return Reply(*error.args)
                except (KeyError, ValueError, TypeError, IndexError) as error:
                    return Reply(400, {"message": f"{type(error).__name__}: {error}"})
        return Reply(404, {"message": f"{asked.method} {asked.path}"})

    def routes(self) -> list[tuple[str, str, Callable[..., Reply]]]:
        raise NotImplementedError

    def since(self, at: datetime) -> list[FakeLead]:
        """Changed at or after, by id."""
        return [lead for _, lead in sorted(self.leads.items()) if lead.changed_at >= at]

    def keep(self, call: Mapping[str, Any], call_id: str | None = None) -> str:
        key = call_id or str(900 + len(self.calls))
        self.calls[key] = {**self.calls.get(key, {}), **call}
        return key


class HubSpot(FakeVendor):
    def routes(self) -> list[tuple[str, str, Callable[..., Reply]]]:
        contacts = "/crm/v3/objects/contacts"
        return [
            ("POST", f"{contacts}/search", self._search),
            ("POST", f"{contacts}/batch/read", self._read),
            ("POST", "/crm/v3/objects/calls", self._call),
        ]

    def _search(self, asked: Asked) -> Reply:
        body = asked.json()
        assert body["sorts"] == ["hs_object_id"] and body["after"] == "0"
        (filters,) = [group["filters"] for group in body["filterGroups"]]
        by = {each["propertyName"]: each for each in filters}
        assert by["lastmodifieddate"]["operator"] == "GTE"
        assert all(isinstance(each["value"], str) for each in filters)
        assert by["hs_object_id"]["operator"] == "GT"
        since = datetime.fromtimestamp(int(by["lastmodifieddate"]["value"]) / 1000, UTC)
        after = int(by["hs_object_id"]["value"])
        rows = [lead for lead in self.since(since) if int(lead.id) > after]
        found = [self._contact(lead, body["properties"]) for lead in rows[: int(body["limit"])]]
        return Reply(200, {"total": len(rows), "results": found})

    def _contact(self, lead: FakeLead, names: list[str]) -> dict[str, Any]:
        first, _, last = lead.name.partition(" ")
        known = {"firstname": first, "lastname": last or None, "phone": lead.phone,
                 "hs_object_id": lead.id, "state": lead.state or None,
                 "zip": lead.zip_code or None}  # fmt: skip
        at = lead.changed_at.isoformat()
        properties = {name: known[name] for name in names if known.get(name) is not None}
        return {"id": lead.id, "properties": properties, "createdAt": at, "updatedAt": at,
                "archived": lead.gone}  # fmt: skip

    def _read(self, asked: Asked) -> Reply:
        body = asked.json()
        found = [self.leads[one["id"]] for one in body["inputs"] if one["id"] in self.leads]
        results = [self._contact(lead, body["properties"]) for lead in found]
        at = datetime.now(UTC).isoformat()
        told = {"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at}
        return Reply(200 if len(results) == len(body["inputs"]) else 207, told)

    def _call(self, asked: Asked) -> Reply:
        body = asked.json()
        properties = body["properties"]
        datetime.fromisoformat(properties["hs_timestamp"])
        (association,) = body["associations"]
        lead_id = association["to"]["id"]
        if lead_id not in self.leads:
            raise Refused(404, {"message": "no such contact"})
        call_id = self.keep({"lead": lead_id, "text": properties["hs_call_body"],
                             "status": properties["hs_call_status"]})  # fmt: skip
        at = datetime.now(UTC).isoformat()
        return Reply(201, {"id": call_id, "properties": properties, "createdAt": at,
                           "updatedAt": at, "archived": False})  # fmt: skip


class Pipedrive(FakeVendor):
    def routes(self) -> list[tuple[str, str, Callable[..., Reply]]]:
        return [
            ("GET", "/api/v2/persons", self._list),
            ("POST", "/api/v2/activities", self._call),
        ]

    def _list(self, asked: Asked) -> Reply:
        assert asked.headers["x-api-token"]
        if "ids" in asked.query:
            ids = asked.query["ids"].split(",")
            rows = [self.leads[one] for one in ids if one in self.leads]
            return Reply(200, {"success": True, "data": [self._person(one) for one in rows],
                               "additional_data": {}})  # fmt: skip
        assert (asked.query["sort_by"], asked.query["sort_direction"]) == ("id", "asc")
        since = asked.query.get("updated_since")
        rows = self.since(datetime.fromisoformat(since) if since else _EPOCH)
        start, limit = int(asked.query.get("cursor", 0)), int(asked.query["limit"])
        page, more = rows[start : start + limit], start + limit < len(rows)
        return Reply(200, {
            "success": True, "data": [self._person(lead) for lead in page],
            "additional_data": {"next_cursor": str(start + limit)} if more else {},
        })  # fmt: skip

    def _person(self, lead: FakeLead) -> dict[str, Any]:
        phones = [{"value": lead.phone, "primary": True, "label": "work"}]
        at = lead.changed_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        person = {"id": int(lead.id), "name": lead.name, "phones": phones, "is_deleted": lead.gone,
                  "update_time": at, "add_time": at}  # fmt: skip
        if lead.zip_code:
            person["postal_address"] = {"admin_area_level_1": lead.state,
                                        "postal_code": lead.zip_code}  # fmt: skip
        return person

    def _call(self, asked: Asked) -> Reply:
        body = asked.json()
        (person,) = body["participants"]
        if str(person["person_id"]) not in self.leads:
            raise Refused(404, {"success": False, "error": "no such person"})
        assert body["type"] == "call" and body["done"] is True
        call = {"lead": str(person["person_id"]), "text": body["note"], "status": "done"}
        return Reply(200, {"success": True, "data": {"id": int(self.keep(call))}})


class EspoCrm(FakeVendor):
    def routes(self) -> list[tuple[str, str, Callable[..., Reply]]]:
        return [
            ("GET", "/api/v1/Lead", self._list),
            ("POST", "/api/v1/Call", self._call),
            ("PATCH", "/api/v1/Lead/([^/]+)", self._edit),
        ]

    def _list(self, asked: Asked) -> Reply:
        query = asked.query
        assert asked.headers["x-api-key"] and int(query["maxSize"]) <= 200
        assert (query["where[0][type]"], query["where[0][attribute]"]) == (
            "greaterThanOrEquals", "modifiedAt",
        )  # fmt: skip
        assert (query["where[1][type]"], query["where[1][attribute]"]) == ("greaterThan", "id")
        assert (query["orderBy"], query["order"]) == ("id", "asc")
        since = datetime.fromisoformat(query["where[0][value]"]).replace(tzinfo=UTC)
        rows = [lead for lead in self.since(since) if lead.id > query["where[1][value]"]]
        found = [
            {"id": lead.id, "name": lead.name, "phoneNumber": lead.phone, "doNotCall": lead.dnc,
             "status": "Dead" if lead.gone else "New", "addressState": lead.state or None,
             "addressPostalCode": lead.zip_code or None}
            for lead in rows[: int(query["maxSize"])]
        ]  # fmt: skip
        return Reply(200, {"total": -1, "list": found})

    def _call(self, asked: Asked) -> Reply:
        body = asked.json()
        needed = ("name", "status", "direction", "dateStart", "dateEnd", "assignedUserId")
        assert all(body[name] for name in needed) and body["parentType"] == "Lead"
        if body["parentId"] not in self.leads:
            raise Refused(404, {})
        call = {"lead": body["parentId"], "text": body["description"], "status": body["status"]}
        return Reply(200, {**body, "id": self.keep(call)})

    def _edit(self, asked: Asked, lead_id: str) -> Reply:
        self.leads[lead_id].dnc = asked.json()["doNotCall"]
        return Reply(200, {"id": lead_id, "doNotCall": self.leads[lead_id].dnc})


class Zoho(FakeVendor):
    def routes(self) -> list[tuple[str, str, Callable[..., Reply]]]:
        return [("GET", "/crm/v8/Leads", self._list), ("POST", "/crm/v8/Calls", self._call)]

    def _list(self, asked: Asked) -> Reply:
        query = asked.query
        self._check_token(asked)
        names = query["fields"].split(",")
        if "ids" in query:
            rows = [self.leads[one] for one in query["ids"].split(",") if one in self.leads]
            data = [self._lead(lead, names) for lead in rows]
            return Reply(200, {"data": data}) if rows else Reply(204)
        since = asked.headers.get("if-modified-since")
        rows = self.since(datetime.fromisoformat(since) if since else _EPOCH)
        if not rows:
            return Reply(304 if since else 204)
        limit = int(query["per_page"])
        if limit > 200:
            raise Refused(400, {"code": "INVALID_DATA"})
        start = int(query.get("page_token", "t0").removeprefix("t"))
        page, more = rows[start : start + limit], start + limit < len(rows)
        info = {"more_records": more, "next_page_token": f"t{start + limit}" if more else None}
        return Reply(200, {"data": [self._lead(lead, names) for lead in page], "info": info})

    def _check_token(self, asked: Asked) -> None:
        if not asked.headers["authorization"].startswith("Zoho-oauthtoken "):
            raise Refused(401, {"code": "INVALID_TOKEN"})

    def _lead(self, lead: FakeLead, names: list[str]) -> dict[str, Any]:
        known = {"id": lead.id, "Full_Name": lead.name, "Phone": lead.phone,
                 "Converted__s": lead.gone, "State": lead.state or None,
                 "Zip_Code": lead.zip_code or None}  # fmt: skip
        return {name: known.get(name) for name in names}

    def _call(self, asked: Asked) -> Reply:
        self._check_token(asked)
        answers = [self._one(call) for call in asked.json()["data"]]
        is_whole = all(one["status"] == "success" for one in answers)
        return Reply(201 if is_whole else 207, {"data": answers})

    def _one(self, call: Mapping[str, Any]) -> dict[str, Any]:
        datetime.strptime(call["Call_Start_Time"], "%Y-%m-%dT%H:%M:%S%z")
        assert re.fullmatch(r"\d\d+:\d\d", call["Call_Duration"]) and call["$se_module"] == "Leads"
        lead_id = call["What_Id"]["id"]
        if lead_id not in self.leads:
            return {"status": "error", "code": "INVALID_DATA", "message": "invalid data",
                    "details": {}}  # fmt: skip
        kept = self.keep({"lead": lead_id, "text": call["Description"],
                          "status": call["Outbound_Call_Status"]})  # fmt: skip
        return {"status": "success", "code": "SUCCESS", "message": "record added",
                "details": {"id": kept}}  # fmt: skip


class Dynamics(FakeVendor):
    def routes(self) -> list[tuple[str, str, Callable[..., Reply]]]:
        base = "/api/data/v9.2"
        return [
            ("GET", f"{base}/leads", self._list),
            ("PATCH", rf"{base}/phonecalls\(([0-9a-f-]{{36}})\)", self._call),
            ("PATCH", rf"{base}/leads\(([^)]+)\)", self._edit),
        ]

    def _list(self, asked: Asked) -> Reply:
        told = asked.query["$filter"]
        ids = re.fullmatch(r"Microsoft\.Dynamics\.CRM\.In\(PropertyName='leadid',"
                           r"PropertyValues=\[(.*)\]\)", told)  # fmt: skip
        if ids:
            asked_for = [one.strip("'") for one in ids.group(1).split(",")]
            found = [{"leadid": one} for one in asked_for if one in self.leads]
            return Reply(200, {"value": found})
        assert asked.query["$orderby"] == "leadid asc"
        found_since = re.fullmatch(r"modifiedon ge (\S+Z)", told)
        assert found_since is not None
        rows = self.since(datetime.fromisoformat(found_since.group(1)))
        limit = int(asked.headers.get("prefer", "odata.maxpagesize=5000").rpartition("=")[2])
        start = int(asked.query.get("$skiptoken", 0))
        names = asked.query["$select"].split(",")
        page = [self._lead(lead) for lead in rows[start : start + limit]]
        body: dict[str, Any] = {"value": [{n: one[n] for n in names} for one in page]}
        if start + limit < len(rows):
            query = "&".join((
                f"$filter={told}", f"$select={asked.query['$select']}", "$orderby=leadid asc",
                f"$skiptoken={start + limit}",
            ))  # fmt: skip
            host = asked.headers["host"]
            body["@odata.nextLink"] = f"http://{host}{asked.path}?{query}".replace(" ", "%20")
        return Reply(200, body)

    def _lead(self, lead: FakeLead) -> dict[str, Any]:
        return {"leadid": lead.id, "fullname": lead.name, "telephone1": lead.phone,
                "mobilephone": None, "statecode": 1 if lead.gone else 0,
                "donotphone": lead.dnc, "address1_stateorprovince": lead.state or None,
                "address1_postalcode": lead.zip_code or None}  # fmt: skip

    def _call(self, asked: Asked, call_id: str) -> Reply:
        body = asked.json()
        found = re.fullmatch(r"/leads\((.+)\)", body["regardingobjectid_lead@odata.bind"])
        assert found is not None
        lead_id = found.group(1)
        if lead_id not in self.leads:
            raise Refused(400, {"error": {"code": "0x80040217", "message": "Does Not Exist"}})
        call = {"lead": lead_id, "text": body["description"], "status": body["directioncode"]}
        self.keep(call, call_id)
        return Reply(204)

    def _edit(self, asked: Asked, lead_id: str) -> Reply:
        assert asked.headers["if-match"] == "*"
        self.leads[lead_id].dnc = asked.json()["donotphone"]
        return Reply(204)


class SuiteCrm(FakeVendor):
    def routes(self) -> list[tuple[str, str, Callable[..., Reply]]]:
        return [
            ("GET", "/Api/V8/module/Leads", self._list),
            ("POST", "/Api/V8/module", self._call),
            ("PATCH", "/Api/V8/module", self._edit),
        ]

    def _list(self, asked: Asked) -> Reply:
        query = asked.query
        assert query["sort"] == "id"
        names = query["fields[Leads]"].split(",")
        since = datetime.strptime(query["filter[date_modified][gte]"], "%Y-%m-%d %H:%M:%S")
        rows = self.since(since.replace(tzinfo=UTC))
        limit, number = int(query["page[size]"]), int(query["page[number]"])
        page = rows[(number - 1) * limit : number * limit]
        return Reply(200, {"data": [
            {"type": "Lead", "id": lead.id, "attributes": self._attributes(lead, names)}
            for lead in page
        ]})  # fmt: skip

    def _attributes(self, lead: FakeLead, names: list[str]) -> dict[str, str]:
        known = {
            "name": lead.name, "phone_mobile": lead.phone, "phone_work": "",
            "status": "Dead" if lead.gone else "New", "do_not_call": "1" if lead.dnc else "0",
            "primary_address_state": lead.state, "primary_address_postalcode": lead.zip_code,
        }  # fmt: skip
        return {name: known[name] for name in names}

    def _call(self, asked: Asked) -> Reply:
        assert asked.headers["content-type"] == "application/vnd.api+json"
        data = asked.json()["data"]
        told = data["attributes"]
        assert data["type"] == "Calls" and told["parent_type"] == "Leads"
        if told["parent_id"] not in self.leads:
            raise Refused(400, {"errors": {"status": 400}})
        call = {"lead": told["parent_id"], "text": told["description"], "status": told["status"]}
        return Reply(201, {"data": {"type": "Call", "id": self.keep(call), "attributes": told}})

    def _edit(self, asked: Asked) -> Reply:
        data = asked.json()["data"]
        self.leads[data["id"]].dnc = data["attributes"]["do_not_call"]
        return Reply(200, {"data": data})


class Freshsales(FakeVendor):
    def routes(self) -> list[tuple[str, str, Callable[..., Reply]]]:
        return [
            ("GET", "/crm/sales/api/contacts/view/1", self._list),
            ("POST", "/crm/sales/api/phone_calls", self._call),
            ("PUT", "/crm/sales/api/contacts/([0-9]+)", self._edit),
        ]

    def _list(self, asked: Asked) -> Reply:
        assert asked.headers["authorization"].startswith("Token token=")
        assert (asked.query["sort"], asked.query["sort_type"]) == ("updated_at", "desc")
        rows = sorted(self.leads.values(), key=lambda lead: lead.changed_at, reverse=True)
        start = (int(asked.query["page"]) - 1) * self.page_size
        page = rows[start : start + self.page_size]
        return Reply(200, {
            "contacts": [
                {"id": int(lead.id), "display_name": lead.name, "mobile_number": lead.phone,
                 "work_number": None, "updated_at": lead.changed_at.isoformat(),
                 "is_deleted": lead.gone, "do_not_disturb": lead.dnc, "state": lead.state or None,
                 "zipcode": lead.zip_code or None}
                for lead in page
            ],
            "meta": {"total": len(rows)},
        })  # fmt: skip

    def _call(self, asked: Asked) -> Reply:
        call = asked.json()["phone_call"]
        lead_id = str(call["targetable"]["id"])
        if lead_id not in self.leads or call["targetable_type"] != "contact":
            raise Refused(404, {"errors": {"code": 404}})
        kept = self.keep({"lead": lead_id, "text": call["note"]["description"],
                          "status": call["call_direction"]})  # fmt: skip
        return Reply(200, {"phone_call": {"id": int(kept)}})

    def _edit(self, asked: Asked, lead_id: str) -> Reply:
        self.leads[lead_id].dnc = asked.json()["contact"]["do_not_disturb"]
        return Reply(200, {"contact": {"id": int(lead_id)}})


VENDORS: Final[Mapping[str, type[FakeVendor]]] = {
    "hubspot": HubSpot, "pipedrive": Pipedrive, "espocrm": EspoCrm, "zoho": Zoho,
    "dynamics365": Dynamics, "suitecrm": SuiteCrm, "freshsales": Freshsales,
}  # fmt: skip
