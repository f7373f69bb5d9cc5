"""What codes of the API mean in plain words; a code that is not here is shown as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.core.campaign import Campaign, CampaignStatus

STATUS = {
    CampaignStatus.DRAFT: "Draft",
    CampaignStatus.ACTIVE: "Active",
    CampaignStatus.PAUSED: "Paused",
    CampaignStatus.STOPPED: "Stopped",
    CampaignStatus.COMPLETED: "Completed",
}
PAUSED_BECAUSE = {
    "manual": "by hand",
    "no_agents": "no agents are logged in",
    "calling_hours": "outside of calling hours",
    "no_contacts": "no contacts to call",
}
IDLE = {
    "no_engine": "no dialing engine is running",
    "asterisk_unreachable": "Asterisk cannot be reached",
    "recovering": "reading the state of calls from Asterisk",
    "trunk_resting": "the trunk refuses calls and rests for a moment",
    "unknown_trunk": "Asterisk does not know the trunk",
    "message_missing": "the recording is not where Asterisk plays it from",
    "no_message": "no message to play is chosen",
    "no_free_queue": "no queue is free in Asterisk",
    "no_caller_ids": "none of its caller ids is declared as an own number",
    "caller_ids_used_up": "every caller id has shown as many calls today as it may",
    "no_agents": "no agents are logged in",
    "agents_busy": "all agents are busy",
    "calling_hours": "outside of calling hours",
    "waiting_for_redial": "the next redial is not due yet",
    "no_contacts": "no contacts to call",
}
WHY_NOT = {
    "withdrawn": "withdrawn",
    "in_flight": "is being called now",
    "wrap_up": "the agent is finishing the conversation",
    "scheduled": "the next dial is not due yet",
    "caller_ids": "every caller id has shown as many calls today as it may",
    "callback_agent": "waits for the agent who is to call back",
    "day_part": "waits for a part of the day in which it was not tried last",
    "dnc": "on the do-not-call list",
    "calling_hours": "outside of calling hours",
    "campaign:draft": "the campaign was not started",
    "campaign:paused": "the campaign is paused",
    "campaign:stopped": "the campaign was stopped",
    "campaign:completed": "the campaign is completed",
}
JOB = {
    "crm.jobs.run_import": "Reading a calling list",
    "crm.crm_jobs.poll_source": "Taking contacts from a CRM",
    "crm.crm_jobs.push_results": "Writing results back to a CRM",
    "crm.crm_jobs.send_hooks": "Telling a webhook",
}
DONE = {
    "answered": "done: a conversation took place",
    "max_attempts": "done: all attempts are used up",
    "no_redial": "done: no redial after this outcome",
    "dnc": "done: on the do-not-call list",
    "opted_out": "done: asked not to be called",
    "disposition": "done: as the agent recorded",
    "no_redial_after_disposition": "done: called again as often as its disposition allows",
}
CONTACT = {
    "ready": "Ready",
    "scheduled": "Scheduled",
    "in_flight": "Being called",
    "wrap_up": "Wrap-up",
    "done": "Done",
    "withdrawn": "Withdrawn",
}
AGENT = {
    "offline": "Offline",
    "available": "Available",
    "reserved": "Reserved",
    "ringing": "Ringing",
    "on_call": "On a call",
    "wrap_up": "Wrap-up",
    "paused": "Paused",
}
OUTCOME = {
    "answered": "Answered",
    "message_played": "Message heard",
    "abandoned": "Abandoned",
    "machine": "Answering machine",
    "fax": "Fax",
    "no_answer": "No answer",
    "busy": "Busy",
    "rejected": "Rejected",
    "invalid_number": "Invalid number",
    "failed": "Network failure",
    "hung_up_early": "Hung up early",
    "cancelled": "Cancelled by us",
    "unknown": "Unknown",
}
CALL = {
    "dialing": "Dialing",
    "ringing": "Ringing",
    "waiting": "Waiting for an agent",
    "talking": "In conversation",
    "amd": "Machine detection",
    "message": "Hearing the message",
    "in_flight": "In flight",
}
#: Why the pacing rule places as many calls as it does.
PACING = {
    "one_each": "One call for each free agent",
    "ratio": "As many calls as the dial level asks for",
    "warming_up": "One call for each free agent until enough people have answered",
    "predicting": "Dials ahead of agents who will be free",
    "limit_reached": "Limit reached: one call for each free agent",
    "no_agents_needed": "As many calls as the trunk allows: a message is played to everybody",
}
#: Which period reached the limit.
PERIOD = {
    "so_far": "campaign so far",
    "block": "this block of 30 days",
    "last_30_days": "last 30 days",
    "": "not known",
}
#: What a column of a calling list may be; besides, each may be a variable.
COLUMN = {
    "-": "Leave out",
    "phone": "Phone",
    "phones": "Another phone",
    "name": "Name",
    "timezone": "Time zone",
    "region": "State or region",
    "postal_code": "Postal code",
    "priority": "Priority",
    "external_id": "External id",
    "person_key": "Person",
    "source": "Source",
    "url": "Web address",
}
#: Where the contacts of a list came from.
LIST = {"single": "Page or API", "import": "File", "connector": "Connection"}
ROLE = {"admin": "Administrator", "supervisor": "Supervisor", "agent": "Agent"}
ACTION = {
    "connector_create": "added the connector",
    "connector_edit": "edited the connector",
    "connector_delete": "deleted the connector",
    "create": "created",
    "edit": "edited",
    "delete": "deleted",
    "move": "changed status",
    "password": "changed the password",
    "withdraw": "withdrew",
    "add": "added",
    "list_edit": "edited a list",
    "remove": "removed",
}


def say(words: Mapping[str, str], code: str) -> str:
    """The words for a code; an unknown code with its underscores as spaces."""
    return words.get(code) or code.replace("_", " ").capitalize()


def status_reason(campaign: Campaign, idle_reasons: Sequence[str]) -> str:
    """Why it is paused or dials nothing; empty when there is nothing to explain."""
    match campaign.status:
        case CampaignStatus.PAUSED:
            return _plain(PAUSED_BECAUSE, campaign.status_reason)
        case CampaignStatus.ACTIVE if idle_reasons:
            return "waiting: " + "; ".join(_plain(IDLE, code) for code in idle_reasons)
    return ""


def why_not(reason: str) -> str:
    kind, _, what = reason.partition(":")
    if kind == "done":
        return DONE.get(what) or f"done: {_plain(OUTCOME, what).lower()}"
    return _plain(WHY_NOT, reason)


def _plain(words: Mapping[str, str], code: str) -> str:
    return words.get(code) or code.replace("_", " ").replace(":", " ")
