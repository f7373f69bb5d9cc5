// A calling list on its way: its first rows with a choice for each column, then the file itself.

const XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const TEXT_BYTES = 65536;
const SHEET_BYTES = 8 * 1024 * 1024;

const isSheet = (file) => file.name.toLowerCase().endsWith(".xlsx");
const kindOf = (file) => (isSheet(file) ? XLSX : "text/csv");
const formOf = (element) => element.closest("form[data-upload]");

document.addEventListener("change", (event) => {
  const form = formOf(event.target);
  if (!form) return;
  if (event.target.name === "file") show(form, "");
  else if ("map" in event.target.dataset) show(form, choice(form));
});

document.addEventListener("submit", (event) => {
  if (!event.target.dataset.upload) return;
  event.preventDefault();
  send(event.target, event.target.elements.file.files[0]);
});

/** What was chosen for the columns, as the query of a request; empty where nothing is shown. */
function choice(form) {
  const columns = [...form.querySelectorAll("[data-map-column]")].map((one) => one.value);
  if (!columns.length) return "";
  const header = form.querySelector("#map-header").checked;
  return new URLSearchParams({ columns: columns.join(","), header }).toString();
}

/** The server reads the first rows as it would read the whole. */
async function show(form, query) {
  const [box, file] = [form.querySelector("#preview"), form.elements.file.files[0]];
  form.asked = (form.asked ?? 0) + 1;
  const mine = form.asked;
  if (!query) box.replaceChildren();
  allow(form);
  if (!file || (isSheet(file) && file.size > SHEET_BYTES)) return;
  const answer = await fetch(`${form.dataset.preview}?${query}`, {
    method: "POST",
    body: isSheet(file) ? file : file.slice(0, TEXT_BYTES),
    headers: { "Content-Type": kindOf(file), "X-CSRF-Token": document.body.dataset.csrf, "HX-Request": "true" },
  }).catch(() => null);
  // What was chosen meanwhile has an answer of its own on the way.
  if (mine !== form.asked || !answer) return;
  if (answer.redirected || answer.status === 401) return location.reload();
  const text = await answer.text();
  if (answer.ok) htmx.swap(box, text, { swapStyle: "morph:innerHTML" });
  else tell(text);
  allow(form);
}

/** What the server has refused in the preview already cannot be sent. */
function allow(form) {
  form.querySelector("[type=submit]").disabled = Boolean(form.querySelector("[data-refused]"));
}

/** XMLHttpRequest, because fetch does not tell how much of a body was sent. */
function send(form, file) {
  const shown = form.parentElement.querySelector("[data-uploading]");
  const button = form.querySelector("[type=submit]");
  const request = new XMLHttpRequest();
  const percent = (value) => {
    shown.querySelector("progress").value = value;
    shown.querySelector("[data-percent]").textContent = `${value} %`;
  };
  const end = (error) => {
    shown.hidden = true;
    button.disabled = false;
    if (error) tellError(error);
  };
  const query = new URLSearchParams(choice(form));
  query.set("filename", file.name);
  request.open("POST", `${form.dataset.upload}?${query}`);
  request.setRequestHeader("Content-Type", kindOf(file));
  request.setRequestHeader("X-CSRF-Token", document.body.dataset.csrf);
  request.upload.onprogress = (e) => percent(Math.floor((100 * e.loaded) / e.total));
  request.onerror = () => end("The upload was cut off; nothing was added. Try again.");
  request.onabort = () => end("The upload was cancelled; nothing was added.");
  request.onload = () => {
    const answer = JSON.parse(request.responseText);
    if (request.status !== 202) return end(answer.detail);
    end();
    form.reset();
    form.querySelector("#preview").replaceChildren();
    htmx.ajax("GET", form.dataset.after + answer.import_id, { target: "#import", swap: "innerHTML" });
  };
  shown.querySelector("[data-cancel]").onclick = () => request.abort();
  percent(0);
  shown.hidden = false;
  button.disabled = true;
  document.getElementById("notice").replaceChildren();
  request.send(file);
}

function tell(html) {
  htmx.swap(document.getElementById("notice"), html, { swapStyle: "innerHTML" });
}

function tellError(text) {
  const box = document.createElement("p");
  box.className = "notice bad";
  box.textContent = text;
  document.getElementById("notice").replaceChildren(box);
}
