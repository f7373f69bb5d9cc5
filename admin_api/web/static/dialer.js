// What htmx does not do by itself: live changes, focus, rows of a form.

const body = document.body;

// The server writes instants in the viewer's own time.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.includes(`dialer_zone=${zone}`)) {
  document.cookie = `dialer_zone=${zone}; path=/; max-age=31536000; samesite=lax`;
}

// ------------------------------------------------------------------------- live changes

const LEAST_MS_BETWEEN = 1000;

/** Fires `name` on the body at most once a second, and always once after the last change. */
function teller(name) {
  let lastAt = 0;
  let timer = null;
  const tell = () => {
    timer = null;
    lastAt = Date.now();
    body.dispatchEvent(new CustomEvent(name));
  };
  return () => {
    if (timer !== null || document.hidden) return;
    timer = setTimeout(tell, Math.max(0, lastAt + LEAST_MS_BETWEEN - Date.now()));
  };
}

function listen() {
  const tellCampaigns = teller("campaigns-changed");
  const tellAgents = teller("agents-changed");
  const source = new EventSource("/api/v1/events");
  // A settled attempt moves its campaign's progress.
  source.addEventListener("campaign", tellCampaigns);
  source.addEventListener("attempt", tellCampaigns);
  source.addEventListener("agent", tellAgents);
  document.addEventListener("visibilitychange", () => {
    tellCampaigns();
    tellAgents();
  });
  // Where the stream ends for good (signed out), pages still look every few seconds by themselves.
  source.addEventListener("open", () => (body.dataset.stream = "open"));
  addEventListener("pagehide", () => source.close());
}
if ("live" in body.dataset) listen();

// ------------------------------------------------------------------------- after requests

// A button that its own click disables must not take the keyboard's place with it.
document.addEventListener("htmx:afterSettle", (event) => {
  const trigger = event.detail.requestConfig?.elt;
  const button = trigger?.id && document.getElementById(trigger.id);
  if (!button?.disabled || ![body, button, null].includes(document.activeElement)) return;
  button.closest("[role=group]")?.querySelector("button:not(:disabled)")?.focus();
});

// The sort order stays when the search form is sent.
document.addEventListener("htmx:afterSwap", () => {
  const table = document.getElementById("campaigns");
  const sort = document.getElementById("sort");
  if (table && sort) sort.value = table.dataset.sort;
});

// A notice of before goes when the next thing is done.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.requestConfig.verb !== "get") document.getElementById("notice").replaceChildren();
});

// ---------------------------------------------------------------------- lines of a table

document.addEventListener("click", (event) => {
  const add = event.target.closest("[data-add-line]");
  if (add) addLine(document.getElementById(add.dataset.addLine), add.closest(".field"));
  const remove = event.target.closest("[data-remove-line]");
  if (remove) removeLine(remove.closest("tr"));
});

function addLine(table, field) {
  const number = Number(table.dataset.next);
  table.dataset.next = number + 1;
  const holder = document.createElement("tbody");
  holder.innerHTML = field.querySelector("template").innerHTML.replaceAll("NUMBER", number);
  const line = holder.querySelector("tr");
  table.tBodies[0].append(line);
  line.querySelector("input, select").focus();
}

function removeLine(line) {
  const next = line.nextElementSibling ?? line.previousElementSibling;
  const field = line.closest(".field");
  line.remove();
  (next?.querySelector("[data-remove-line]") ?? field.querySelector("[data-add-line]")).focus();
}
