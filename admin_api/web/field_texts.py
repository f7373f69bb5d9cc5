"""Labels, units and short help of the settings; a setting without an entry shows its own name."""

from __future__ import annotations

from collections.abc import Mapping

#: Title and explanation of each group.
GROUPS: Mapping[str, tuple[str, str]] = {
    "list": ("Calling list method", "Where the contacts come from."),
    "pacing": ("Pacing", "How many calls go out for the agents that are free."),
    "dialing": ("Dialing", "How a call leaves and what happens when somebody answers."),
    "preview": (
        "Preview",
        "For the mode preview: an agent looks at a contact, then calls or skips.",
    ),
    "agentless": (
        "Message without agents",
        "For the mode agentless: whoever answers hears a message and may press keys.",
    ),
    "redial": ("Redial", "When a contact that was not reached is called again."),
    "hours": ("Calling hours", "When people may be called, by their own clock."),
    "limits": (
        "Limits",
        "How often one number may be called, over all campaigns. Empty: no limit.",
    ),
    "destinations": ("Destinations", "Which numbers may be called at all."),
    "own_numbers": ("Own numbers", "The numbers that calls may come from."),
    "conversations": ("Conversations", "What agents see and record."),
}

#: By path: label, unit, help.
TEXTS: Mapping[str, tuple[str, str, str]] = {
    "list.default_country": ("Country of numbers without +", "", "Two letters, such as US or DE."),
    "list.method": (
        "Calling list method",
        "",
        "file: you upload it. api: a program sends contacts. crm: a connector fetches them.",
    ),
    "list.connector_id": ("CRM connector", "", "Id of the connector, for the method crm."),
    "list.live": (
        "Live campaign",
        "",
        "Runs until you stop it and takes new contacts all the time; needs the method crm or api.",
    ),
    "list.poll_interval_s": (
        "Poll interval",
        "seconds",
        "How often a Live campaign asks the CRM for new contacts.",
    ),
    "list.order": ("Order", "", "What comes first when both new contacts and redials are due."),
    "list.duplicates": (
        "Leave out numbers that are",
        "",
        "campaign: in this campaign already. active_campaigns: also in another one that is active.",
    ),
    "list.duplicates_within_days": (
        "In another campaign since",
        "days at most",
        "Only numbers that were added there within so many days; empty: whenever.",
    ),
    "pacing.mode": (
        "Mode",
        "",
        "preview: agents see each contact first. progressive: one call for each free agent. power:"
        " more calls than free agents. predictive: as many as the abandon rate allows. agentless:"
        " no agents, a message is played.",
    ),
    "pacing.dial_level": ("Dial level", "calls per free agent", "For the mode power."),
    "pacing.max_abandon_rate": (
        "Largest abandon rate",
        "0.03 is 3 %",
        "Of answered calls, those that got no agent in time: over the campaign and over 30 days.",
    ),
    "pacing.drop_rate_group": (
        "Drop-rate group",
        "",
        "Campaigns with the same name here share one abandon rate and one limit.",
    ),
    "pacing.amd_error_rate": (
        "People taken for machines",
        "0.02 is 2 %",
        "Of the calls that machine detection ends, those that are people, as your own test "
        "found. They count as abandoned when the limit is kept.",
    ),
    "dialing.trunk": ("Trunk", "", "Name of the PJSIP endpoint that calls leave through."),
    "dialing.caller_ids": (
        "Caller ids",
        "",
        "Numbers to call from, one a line, such as +12025550100.",
    ),
    "dialing.ring_timeout_s": ("Ring at most", "seconds", ""),
    "dialing.max_channels": ("Channels at most", "calls at once", ""),
    "dialing.max_cps": ("New calls at most", "per second", ""),
    "dialing.local_presence": (
        "Local presence",
        "",
        "Choose the caller id that is nearest to the called number.",
    ),
    "dialing.max_per_caller_id_per_day": ("Calls per caller id", "a day at most", ""),
    "dialing.same_caller_id_on_redials": ("Redial from the same caller id", "", ""),
    "dialing.connect_deadline_s": (
        "Connect to an agent within",
        "seconds",
        "Later the message is played and the call counts as abandoned.",
    ),
    "dialing.connect_deadline_from": (
        "Counted from",
        "",
        "answer: from the first moment. greeting_end: from the end of “hello?”.",
    ),
    "dialing.amd": ("Detect answering machines", "", ""),
    "dialing.min_ring_s": ("Ring at least", "seconds", "Also after Stop; some laws ask for 15."),
    "dialing.queue": ("Queue", "", "A queue that the PBX has; empty: one of the pool."),
    "dialing.safe_harbour_message": (
        "Message without an agent",
        "",
        "One of Recordings, or the name of a sound of the PBX; empty: the shipped one.",
    ),
    "dialing.opt_out_key": ("Opt-out key", "", "Pressed during the message: never call again."),
    "dialing.ringback": ("Play ringing while waiting", "", ""),
    "dialing.machine_message": (
        "Message for answering machines",
        "",
        "Left after the beep where machines are detected; empty: they are hung up.",
    ),
    "preview.timer_s": ("Look at most", "seconds", ""),
    "preview.on_timeout": (
        "After that",
        "",
        "dial: it is called. return: the contact goes back and the agent is paused.",
    ),
    "preview.return_delay_s": ("Offered again after", "seconds", "When nobody answered an offer."),
    "preview.max_skips": ("Skips at most", "per contact", "0: agents must call."),
    "preview.skip_delay_s": ("Offered again after a skip", "seconds", ""),
    "preview.after_last_skip": (
        "After the last skip",
        "",
        "call: it comes again and has to be called. done: nobody calls it any more.",
    ),
    "agentless.message": ("Message", "", "What everybody who answers hears, from its beginning."),
    "agentless.keys": (
        "Keys",
        "",
        "What each key does; one must opt out. The last key that was pressed is the disposition.",
    ),
    "agentless.keys.key": ("Key", "", ""),
    "agentless.keys.action": ("What the key does", "", ""),
    "agentless.keys.disposition": ("Recorded as", "", ""),
    "agentless.keys.target": ("Transfer to", "queue:NAME or EXTENSION@CONTEXT", ""),
    "agentless.wait_for_key_s": ("Wait for a key", "seconds", "After the message."),
    "agentless.max_repeats": ("Repeat at most", "times", "For keys that repeat the message."),
    "agentless.transfer_wait_s": ("Wait in the queue at most", "seconds", "After a transfer."),
    "redial.max_attempts": ("Attempts at most", "per contact", ""),
    "redial.rules": (
        "Redial after",
        "",
        "How often a contact is called again after each outcome, and when. 0: never.",
    ),
    "redial.rules.delay_s": ("After", "seconds", ""),
    "redial.rules.max": ("Times at most", "", ""),
    "redial.rules.phone": ("Which phone", "", ""),
    "redial.rules.counts": ("Counts as an attempt", "", ""),
    "redial.max_trunk_faults": (
        "Trunk faults at most",
        "per contact",
        "Attempts that our own trunk refused are not counted as attempts.",
    ),
    "redial.hard_cap": ("Dials at most in all", "per contact", "Whatever else is set."),
    "redial.spread_after": (
        "Other part of the day after",
        "dials",
        "Without a conversation; empty: never.",
    ),
    "redial.day_parts": ("Parts of the day end at", "", "One time a line, such as 12:00."),
    "redial.callback_agent_wait_s": (
        "A callback waits for its agent",
        "seconds",
        "Then anybody may make it.",
    ),
    "hours.timezone": (
        "Time zone",
        "",
        "Where the contact and the number tell none, such as America/New_York.",
    ),
    "hours.windows": ("Open", "", "All times by the contact's clock; a night is two lines."),
    "hours.windows.days": ("Days", "", ""),
    "hours.windows.start": ("From", "", ""),
    "hours.windows.end": ("To", "", ""),
    "hours.holidays": ("Closed on", "", "One date a line, such as 2026-12-25."),
    "hours.public_holidays": (
        "Closed on public holidays of",
        "",
        "Countries or parts of them, one a line, such as US or US-FL.",
    ),
    "hours.respect_contact_timezone": ("Use the contact's time zone", "", ""),
    "hours.unknown_zone": (
        "Unknown time zone",
        "",
        "fallback: use the one above. hold: do not call.",
    ),
    "hours.regions": (
        "Hours of regions",
        "",
        "By region such as US-FL, a line for each span; both these and the hours above must be "
        "open. A region with nothing but its name is never open.",
    ),
    "hours.regions.windows.days": ("Days", "", ""),
    "hours.regions.windows.start": ("From", "", ""),
    "hours.regions.windows.end": ("To", "", ""),
    "limits.max_per_24h": ("Calls to one number", "in 24 hours at most", ""),
    "limits.max_per_7d": ("Calls to one number", "in 7 days at most", ""),
    "limits.person_max_per_24h": (
        "Calls to one person",
        "in 24 hours at most",
        "Over all phones of the person.",
    ),
    "limits.person_max_per_7d": (
        "Calls to one person",
        "in 7 days at most",
        "Over all phones of the person.",
    ),
    "limits.after_abandon_s": ("Rest after an abandoned call", "seconds", ""),
    "limits.after_machine_s": ("Rest after an answering machine", "seconds", ""),
    "limits.after_conversation_s": ("Rest after a conversation", "seconds", ""),
    "limits.regions": ("Limits of regions", "", "By region such as US-FL; the lower limit counts."),
    "limits.regions.max_per_24h": ("To a number in 24 hours", "", ""),
    "limits.regions.max_per_7d": ("To a number in 7 days", "", ""),
    "limits.regions.person_max_per_24h": ("To a person in 24 hours", "", ""),
    "limits.regions.person_max_per_7d": ("To a person in 7 days", "", ""),
    "destinations.countries": (
        "Countries that may be called",
        "",
        "One a line, such as US; empty: all.",
    ),
    "destinations.allow_premium": ("Allow premium numbers", "", ""),
    "destinations.allow_shared_cost": ("Allow shared-cost numbers", "", ""),
    "destinations.allow_satellite": ("Allow satellite numbers", "", ""),
    "owned_numbers": (
        "Numbers that are ours",
        "",
        "One a line, such as +12025550100; empty: those that a campaign names.",
    ),
    "preset": (
        "Rules of law",
        "",
        "Choosing others fills hours, limits and more at the next Save; all stays editable.",
    ),
    "wrap_up_s": ("Wrap-up", "seconds", "An agent's time after each conversation."),
    "dispositions": (
        "Dispositions",
        "",
        "What agents may record after a conversation; without any they may record any word.",
    ),
    "dispositions.code": ("Code", "", ""),
    "dispositions.label": ("Label", "", ""),
    "dispositions.action": ("Then", "", ""),
    "dispositions.delay_s": ("After", "seconds", ""),
    "dispositions.max": ("Times at most", "", "Empty: as often as attempts allow."),
    "dispositions.phone": ("Which phone", "", ""),
    "dispositions.counts": ("Counts as an attempt", "", ""),
    "dispositions.is_machine": ("Was a machine", "", "The agent met no person."),
    "script": ("Script", "", "What agents say; shown at their desk."),
}
