"""Placing calls: claim, reserve, mark as sent, originate. Each step can be the last one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from engine.core import ids, why_not
from engine.core.agent import AgentState
from engine.core.attempt import Claim
from engine.core.call_events import Fate, HungUp, RecordLost, Responded, Vanished
from engine.core.call_state import CallState
from engine.core.caller_ids import choose, pools_of
from engine.core.errors import ActionRefused, ActionUnknown, LinkDown
from engine.core.pacing import class_of
from engine.core.phone import masked
from engine.core.redial import Next, RedialAt
from engine.core.seat import state_of
from engine.core.settings import KeyRule
from engine.core.why_not import HELD_NUMBER_RETRY, Candidate, decide, verdicts
from engine.ports import CallbackWait, DialOrder, Prompt, Refusal, Wanted
from engine.service.calls import Call
from engine.service.recovery import STILL_ON_ITS_WAY
from engine.service.settling import Settler
from engine.service.world import CampaignView, World

log = structlog.get_logger()

#: A contact whose one caller id has shown as many calls as it may is looked at again after this.
CALLER_RETRY = timedelta(minutes=15)
#: More calls than any decision asks for.
UNLIMITED = 1_000_000
#: After a claim that found nothing, the next one waits so long unless something changes.
EMPTY_CLAIM_S = 0.25
CLASSES_FRESH_S = 0.5


class Dialer:
    """Turns "place n calls" into calls."""

    def __init__(self, world: World, settler: Settler) -> None:
        self._world = world
        self._settler = settler
        #: Callbacks whose agents are reserved and that are no calls yet.
        self.promised = set[str]()

    async def dial(self, view: CampaignView, n: int) -> int:
        """Place up to n calls; returns how many contacts were claimed and may be called."""
        claims = await self.reserve(view, n, self._world.settings.claim_lease_s)
        if claims:
            await self._send(view, claims)
        return len(claims)

    async def reserve(self, view: CampaignView, n: int, lease_s: float) -> list[Claim]:
        """Up to n contacts whose numbers are ours now and may be called."""
        world, now = self._world, self._world.clock.now()
        n = min(n, await self._calls_to_show(view, now))
        claims = await self._claim(view, n, now, lease_s) if n else ()
        if len(claims) < n or not n:
            view.no_claim_before = world.clock.monotonic() + EMPTY_CLAIM_S
        return await self._reserve(view, claims, now) if claims else []

    async def send(self, view: CampaignView, claim: Claim) -> None:
        """Dial a contact that was reserved before; it is given back where it must not be."""
        await self._send(view, [claim])

    async def give_back(self, view: CampaignView, claim: Claim, following: Next | None) -> None:
        """A reserved contact that is not dialled after all."""
        await self._give_back(view, claim, following, reserved=True)

    async def refused_now(self, view: CampaignView, claim: Claim) -> Next | None:
        """What the rules of this moment make of a contact that was reserved before.

        None: it may be dialled, and counts from now on; else it is still to be given back.
        """
        now = self._world.clock.now()
        [refusal] = await self._ask(view, [claim], now, again=True)
        return self._refused(view, claim, refusal, now)

    async def _calls_to_show(self, view: CampaignView, now: datetime) -> int:
        """How many calls the campaign's caller ids may show now."""
        dialing = view.campaign.rules.dialing
        limit, callers = dialing.max_per_caller_id_per_day, dialing.caller_ids
        if limit is None or not callers:
            view.calls_left = None
            return UNLIMITED if callers else 0
        view.calls_left = dict(await self._world.store.callers.left(callers, limit, now))
        return sum(view.calls_left.values())

    async def _claim(
        self, view: CampaignView, n: int, now: datetime, lease_s: float
    ) -> Sequence[Claim]:
        world, campaign = self._world, view.campaign
        assert world.fence is not None
        await self._read_classes(view)
        open_classes = [each for each in view.classes if view.is_open(each, now)]
        entropy = world.settings.entropy
        attempt_ids = [ids.attempt_id(campaign.id, now, entropy(50)) for _ in range(n)]
        order = campaign.settings.list.order
        return await world.store.calls.claim(
            campaign.id,
            world.fence,
            attempt_ids,
            open_classes,
            now,
            lease_s,
            order=order,
            callbacks=self._callback_wait(view),
        )

    def _callback_wait(self, view: CampaignView) -> CallbackWait:
        campaign = view.campaign
        there = self._world.roster.available(campaign.queue) & frozenset(campaign.agent_ids)
        most = timedelta(seconds=campaign.settings.redial.callback_agent_wait_s)
        return CallbackWait(frozenset(there), most, why_not.AGENT_RETRY)

    async def _read_classes(self, view: CampaignView) -> None:
        now = self._world.clock.monotonic()
        if now - view.classes_read_at >= CLASSES_FRESH_S:
            view.classes = tuple(await self._world.store.calls.hours_classes(view.campaign.id))
            view.classes_read_at = now

    async def _reserve(
        self, view: CampaignView, claims: Sequence[Claim], now: datetime
    ) -> list[Claim]:
        """Keep the claims whose number may be called; the others wait for the instant it may."""
        kept: list[Claim] = []
        refusals = await self._ask(view, claims, now)
        for claim, refusal in zip(claims, refusals, strict=True):
            following = self._refused(view, claim, refusal, now)
            if following is None:
                self._promise(view, claim)
                kept.append(claim)
            else:
                await self._give_back(view, claim, following, reserved=refusal is None)
        return kept

    async def _ask(
        self, view: CampaignView, claims: Sequence[Claim], now: datetime, *, again: bool = False
    ) -> Sequence[Refusal | None]:
        scopes, limits = _scopes(view), view.campaign.settings.limits
        wanted = [
            Wanted(c.phone, c.attempt_id, c.person_key, c.hours_class, scopes) for c in claims
        ]
        return await self._world.store.numbers.reserve(wanted, limits, now, again=again)

    def _refused(
        self, view: CampaignView, claim: Claim, refusal: Refusal | None, now: datetime
    ) -> Next | None:
        """The rules' verdict; a redial that fell due is claimed with its class, so hours too."""
        is_away = claim.agent_id is not None and self._agent_of(view, claim) is None
        agreed_at = claim.callback_at if is_away else None
        who = Candidate(claim.phone, claim.hours_class, claim.history, agreed_at=agreed_at)
        refusals = () if refusal is None else (refusal,)
        following = decide(verdicts(who, view.campaign.rules, refusals, now), now)
        if following is None and self._world.calls.has_phone(claim.phone):
            return RedialAt(now + HELD_NUMBER_RETRY)
        return following

    def _promise(self, view: CampaignView, claim: Claim) -> None:
        """One agent makes one callback at a time, and takes no other call before it."""
        if claim.agent_id is not None and self._agent_of(view, claim) is not None:
            self._world.roster.reserve(claim.agent_id, claim.attempt_id)
            self._world.seat_changed(claim.agent_id)
            self.promised.add(claim.attempt_id)

    def _agent_of(self, view: CampaignView, claim: Claim) -> tuple[str, str] | None:
        """Extension and mode of the agent who is to make the call, while available for it."""
        seat = self._world.roster.get(claim.agent_id) if claim.agent_id is not None else None
        if seat is None or seat.agent.id not in view.campaign.agent_ids:
            return None
        is_reserved = seat.reserved_for == claim.attempt_id
        if not is_reserved and state_of(seat) is not AgentState.AVAILABLE:
            return None
        return seat.agent.extension, seat.agent.mode

    async def _give_back(
        self, view: CampaignView, claim: Claim, following: Next | None, *, reserved: bool
    ) -> None:
        world, now = self._world, self._world.clock.now()
        self.promised.discard(claim.attempt_id)
        await world.store.calls.give_back(view.campaign.id, claim.attempt_id, following, now)
        if reserved:
            await world.store.numbers.release([(claim.phone, claim.attempt_id, False)])
        view.dirty = True

    async def _send(self, view: CampaignView, claims: list[Claim]) -> None:
        """Mark as sent, then originate within a second; the mark is the last look at the rules."""
        world, campaign = self._world, view.campaign
        marked_at = world.clock.monotonic()
        claims = await self._still_wanted(view, claims)
        if not claims or world.fence is None:
            return
        dialing, now = campaign.settings.dialing, world.clock.now()
        assert dialing.trunk is not None
        claims, callers = await self._with_callers(view, claims, now)
        if not claims:
            return
        marks = [
            (claim.attempt_id, caller, dialing.trunk, world.settings.node)
            for claim, caller in zip(claims, callers, strict=True)
        ]
        lease_s = dialing.dial_timeout_s + world.settings.set_up_s
        allowed = await world.store.calls.mark_sent(
            campaign.id,
            world.fence,
            marks,
            now,
            lease_s,
            keep_caller_id=dialing.same_caller_id_on_redials,
        )
        for claim, caller, may_go in zip(claims, callers, allowed, strict=True):
            if may_go:
                call = self._new_call(view, claim, caller, now)
                world.calls.add(call)
                self.promised.discard(call.attempt_id)
                world.spawn(self._originate(view, call, marked_at), f"originate {claim.attempt_id}")
            else:
                await self._give_back(view, claim, None, reserved=True)

    async def _still_wanted(self, view: CampaignView, claims: list[Claim]) -> list[Claim]:
        """Without those who opted out since their numbers were reserved."""
        asked, now = [(claim.phone, _scopes(view)) for claim in claims], self._world.clock.now()
        listed = await self._world.store.numbers.on_dnc(asked)
        for claim, is_listed in zip(claims, listed, strict=True):
            if is_listed:
                following = self._refused(view, claim, Refusal(reason="dnc", until=None), now)
                await self._give_back(view, claim, following, reserved=True)
        return [claim for claim, is_listed in zip(claims, listed, strict=True) if not is_listed]

    async def _with_callers(
        self, view: CampaignView, claims: Sequence[Claim], now: datetime
    ) -> tuple[list[Claim], list[str]]:
        """The claims that a caller id is free for, and that caller id; others wait."""
        chosen = [(claim, self._caller_id(view, claim)) for claim in claims]
        wanted = [(claim, caller) for claim, caller in chosen if caller is not None]
        limit = view.campaign.rules.dialing.max_per_caller_id_per_day
        taken = await self._world.store.callers.take([caller for _, caller in wanted], limit, now)
        kept = [pair for pair, is_taken in zip(wanted, taken, strict=True) if is_taken]
        going = {claim.attempt_id for claim, _ in kept}
        for claim in claims:
            if claim.attempt_id not in going:
                await self._give_back(view, claim, RedialAt(now + CALLER_RETRY), reserved=True)
        return [claim for claim, _ in kept], [caller for _, caller in kept]

    def _caller_id(self, view: CampaignView, claim: Claim) -> str | None:
        dialing, left = view.campaign.rules.dialing, view.calls_left
        pools = pools_of(claim.contact_id, claim.phone, dialing, claim.caller_id)
        view.next_caller_id += 1
        caller = choose(pools, view.next_caller_id, left)
        if left is not None and caller is not None:
            left[caller] -= 1
        return caller

    def _new_call(self, view: CampaignView, claim: Claim, caller: str, now: datetime) -> Call:
        campaign = view.campaign
        assert campaign.settings.dialing.trunk is not None
        return Call(
            campaign_id=campaign.id,
            contact_id=claim.contact_id,
            phone=claim.phone,
            number=claim.number,
            caller_id=caller,
            trunk=campaign.settings.dialing.trunk,
            node=self._world.settings.node,
            queue=campaign.queue,
            amd=campaign.settings.dialing.amd == "on",
            started_at=now,
            external_id=claim.external_id,
            hours_class=claim.hours_class,
            rules=str(campaign.version),
            person_key=claim.person_key,
            of=class_of(claim.list_id, claim.number, view.hour_at(now)),
            agent=self._agent_of(view, claim),
            history=claim.history,
            state=CallState(attempt_id=claim.attempt_id, sent_at=now),
        )

    async def _originate(self, view: CampaignView, call: Call, marked_at: float) -> None:
        """A link that is down sent nothing; an unknown fate waits for the reaper."""
        world = self._world
        too_late = world.clock.monotonic() - marked_at > world.settings.send_within_s
        if too_late or not world.may_dial:
            self._never_left(call)
            return
        try:
            await world.telephony.originate(order_of(world, view, call))
        except LinkDown:
            self._never_left(call)
        except ActionRefused as error:
            log.warning("originate_refused", phone=masked(call.phone), error=error.message)
            self._refused_by_asterisk(call)
        except ActionUnknown:
            # Never sent again: what Asterisk shows decides.
            call.check_at = world.clock.now() + STILL_ON_ITS_WAY
            log.warning("originate_unknown", attempt_id=call.attempt_id)

    def _never_left(self, call: Call) -> None:
        now = self._world.clock.now()
        self._settler.see(Vanished(call.attempt_id, now, Fate.NEVER_LEFT))

    def _refused_by_asterisk(self, call: Call) -> None:
        now = self._world.clock.now()
        self._settler.see(Responded(call.attempt_id, now, reason=0, made_channel=False))
        self._settler.see(HungUp(call.attempt_id, now, cause=None, sip=None))
        self._settler.see(RecordLost(call.attempt_id, now))


def order_of(world: World, view: CampaignView, call: Call) -> DialOrder:
    dialing = view.campaign.settings.dialing
    return DialOrder(
        attempt_id=call.attempt_id,
        campaign_id=call.campaign_id,
        contact_id=call.contact_id,
        phone=call.phone,
        caller_id=call.caller_id,
        trunk=call.trunk,
        queue=call.queue,
        ring_timeout_s=dialing.dial_timeout_s,
        connect_deadline_s=dialing.connect_deadline_s,
        connect_deadline_from=dialing.connect_deadline_from,
        amd=call.amd,
        message=world.sound_file(dialing.safe_harbour_message),
        opt_out_key=dialing.opt_out_key,
        ringback=dialing.ringback,
        prompt=_prompt(world, view),
        machine_message=world.sound_file(dialing.machine_message),
        agent=call.agent[0] if call.agent else None,
        agent_mode=call.agent[1] if call.agent else "off_hook",
    )


def _prompt(world: World, view: CampaignView) -> Prompt | None:
    settings = view.campaign.settings.agentless
    message = world.sound_file(settings.message)
    if view.campaign.settings.pacing.needs_agents or message is None:
        return None
    return Prompt(
        message=message,
        keys={rule.key: _action(rule) for rule in settings.keys},
        wait_for_key_s=settings.wait_for_key_s,
        max_repeats=settings.max_repeats,
        transfer_wait_s=settings.transfer_wait_s,
    )


def _action(rule: KeyRule) -> str:
    """In the words of the dialplan."""
    if rule.action != "transfer":
        return rule.action.replace("_", "")
    if rule.target.startswith("queue:"):
        return rule.target
    extension, _, context = rule.target.partition("@")
    return f"goto:{context}:{extension}"


def _scopes(view: CampaignView) -> tuple[str, ...]:
    """Do-not-call lists besides the one for all that the campaign obeys; as of the store."""
    connector = view.campaign.settings.list.connector_id
    return (f"c{view.campaign.id}", *((f"k{connector}",) if connector else ()))
