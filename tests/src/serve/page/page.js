"use strict";

// Texts of people and clients reach the page only through `textContent`, `value` and `append` of strings.

const $ = (id) => document.getElementById(id);

const make = (tag, className, ...children) => {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...children);
  return element;
};

// The number of rows of the request log.
const ROWS = 500;

// The calls that concern all accounts.
const COMMON = ["accounts", "reset"];

let token = sessionStorage.getItem("token");
let accounts = [];
// The number of the shown account. Answers for another one are discarded.
let account = 0;
// The newest QR code that no account has scanned.
let unscanned;
let state = {};
let chats = [];
let contacts = [];
// The `UserName` of the shown chat.
let current = "";
let code = null;
// The rows of the log by their number, the numbers of the held requests, and the number of the next request.
let rows = new Map();
let held = new Set();
let next = 0;

async function call(method, path, body) {
  const headers = {};
  if (token) headers.authorization = "Bearer " + token;
  if (body !== undefined) headers["content-type"] = "application/json";
  if (accounts.length > 1 && !COMMON.includes(path)) {
    path += (path.includes("?") ? "&" : "?") + "account=" + encodeURIComponent(accounts[account].name);
  }
  const reply = await fetch("/v1/" + path, { method, headers, body });
  if (reply.ok) return reply;
  $("access").hidden = reply.status !== 401;
  const failure = await reply.json();
  throw new Error((failure.path ? failure.path + ": " : "") + failure.error);
}

const get = async (path) => (await call("GET", path)).json();

function report(error) {
  $("error").hidden = !error;
  $("error").textContent = error ? error.message : "";
}

// Runs an action of the user and shows its effect.
async function act(action) {
  try {
    await action();
    report(null);
    await refresh();
  } catch (error) {
    report(error);
  }
}

// Replaces the children of an element, unless they would look the same. Keeps the end of a list in view.
function fill(element, key, children) {
  if (element.dataset.key === key) return;
  element.dataset.key = key;
  const scrolls = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
  element.replaceChildren(...children());
  if (scrolls) element.scrollTop = element.scrollHeight;
}

const nameOf = (contact) => contact.remark || contact.name;
const contactOf = (id) => contacts.find((contact) => contact.id === id);

const HINTS = {
  idle: "Waiting for a client to ask for a QR code.",
  shown: "The client shows this QR code. Scan and confirm it, as on the phone.",
  scanned: "Scanned. The phone asks to confirm the login.",
  confirmed: "Confirmed. Waiting for the client to start its session.",
  cancelled: "Cancelled on the phone.",
  expired: "The QR code has expired.",
  broken: "The login failed.",
  online: "The client is logged in.",
  ended: "The session has ended.",
};

function showAccounts() {
  $("choice").hidden = accounts.length < 2;
  const names = accounts.map(({ name }) => name);
  fill($("account"), JSON.stringify(names), () => names.map((name, index) => {
    const option = make("option", "", name);
    option.value = index;
    return option;
  }));
  $("account").value = account;
}

async function showState() {
  $("stage").textContent = state.stage + (state.end_code ? " " + state.end_code : "");
  const isOwn = state.stage === "shown" || state.stage === "scanned";
  const isOpen = unscanned !== undefined && state.stage !== "scanned";
  $("hint").textContent = isOpen ? "A client shows this QR code. It logs in as the account that scans it." : HINTS[state.stage] || "";
  for (const button of document.querySelectorAll("button[data-stages]")) {
    const stages = button.dataset.stages.split(" ");
    button.disabled = !stages.includes(state.stage) && !(isOpen && stages.includes("shown"));
  }
  const shown = isOpen ? unscanned : isOwn ? state.uuid : null;
  $("code").hidden = !shown;
  if (shown === code) return;
  URL.revokeObjectURL($("code").src);
  code = shown;
  if (shown) $("code").src = URL.createObjectURL(await (await call("GET", "qr-code?uuid=" + encodeURIComponent(shown))).blob());
}

const summary = (message) => {
  const text = message.kind === "text" || message.kind === "notice" ? message.text : `[${message.kind}] ${message.text}`;
  return text || "[" + message.kind + "]";
};

function showChats() {
  const shown = chats.map(({ id, name, messages }) => ({ id, name, last: messages.at(-1) }));
  if (current && !shown.some((chat) => chat.id === current)) {
    shown.unshift({ id: current, name: nameOf(contactOf(current) || { name: current }) });
  }
  fill($("list"), JSON.stringify([shown, current]), () => shown.map(({ id, name, last }) => {
    const button = make("button", "", name, make("small", "", last ? summary(last) : ""));
    button.setAttribute("aria-current", id === current);
    button.addEventListener("click", () => openChat(id));
    return make("li", "", button);
  }));
}

function showMessages() {
  const chat = chats.find((chat) => chat.id === current);
  const contact = contactOf(current);
  $("title").textContent = contact ? nameOf(contact) : chat ? chat.name : "Choose a chat to write as any of its people.";
  $("write").hidden = !contact;
  const messages = chat ? chat.messages : [];
  fill($("messages"), JSON.stringify([current, messages]), () => messages.map((message) => {
    const time = new Date(message.at).toLocaleTimeString();
    const sender = message.from_client ? "sent by the client" : message.received ? "" : "not yet received by the client";
    const about = [message.author_name, time, sender].filter(Boolean).join(" · ");
    const item = make("li", "", make("small", "", about), make("span", "bubble", summary(message)));
    item.classList.toggle("mine", message.author === state.account_id);
    item.classList.toggle("notice", message.kind === "notice");
    item.classList.toggle("revoked", message.revoked);
    return item;
  }));
  if (!contact) return;
  const people = (contact.is_room ? contact.members : [contact.id]).filter((id) => id !== state.account_id);
  const authors = people.map((id) => [id, nameOf(contactOf(id) || { name: id })]);
  authors.push(["me", state.account_name + " (on the phone)"]);
  fill($("author"), JSON.stringify(authors), () => authors.map(([id, name]) => {
    const option = make("option", "", name);
    option.value = id;
    return option;
  }));
}

function openChat(id) {
  current = id;
  $("messages").dataset.key = "";
  showChats();
  showMessages();
  $("messages").scrollTop = $("messages").scrollHeight;
}

function showContacts() {
  const names = contacts.map(nameOf);
  fill($("names"), JSON.stringify(names), () => names.map((name) => {
    const option = make("option", "");
    option.value = name;
    return option;
  }));
}

function clearRequests() {
  rows = new Map();
  held = new Set();
  next = 0;
  $("requests").replaceChildren();
  $("request").hidden = true;
}

async function showRequests() {
  const of = account;
  const { records, cursor, total } = await get(`records/requests?cursor=${next}&limit=1000`);
  if (of !== account) return;
  if (total < next) {
    // The world was reset.
    clearRequests();
    return showRequests();
  }
  // A request whose connection was cut stays held.
  const again = await Promise.all([...held].slice(-10).map((number) => get(`records/requests?cursor=${number}&limit=1`)));
  if (of !== account) return;
  const scrolls = document.querySelector(".scroll");
  const atEnd = scrolls.scrollHeight - scrolls.scrollTop - scrolls.clientHeight < 40;
  held = new Set();
  for (const record of [...again.flatMap((page) => page.records), ...records]) {
    if (record.status === null) held.add(record.number);
    const row = requestRow(record);
    if (rows.has(record.number)) rows.get(record.number).replaceWith(row);
    else $("requests").append(row);
    rows.set(record.number, row);
  }
  while (rows.size > ROWS) {
    const [number, row] = rows.entries().next().value;
    row.remove();
    rows.delete(number);
  }
  next = Math.max(next, cursor);
  if (atEnd) scrolls.scrollTop = scrolls.scrollHeight;
  if (cursor < total) return showRequests();
}

const isHidden = (row) => Boolean($("filter").value) && !row.classList.contains($("filter").value);

function requestRow({ number, endpoint, method, target, status, grade, violations }) {
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : "";
  const cells = [number, endpoint, status === null ? "held" : status, grade || "", (violations[0] || "") + more];
  const row = make("tr", status === null ? "held" : "", ...cells.map((text) => make("td", "", String(text))));
  row.classList.toggle("finding", violations.length > 0);
  row.classList.toggle("fatal", grade === "fatal");
  row.title = method + " " + target;
  row.tabIndex = 0;
  row.hidden = isHidden(row);
  const show = () => act(async () => {
    const { text } = await get("requests/" + number);
    $("request").textContent = [...violations.map((violation) => "! " + violation), text].join("\n");
    $("request").hidden = false;
  });
  row.addEventListener("click", show);
  row.addEventListener("keydown", (event) => { if (event.key === "Enter") show(); });
  return row;
}

let refreshed = 0;

async function refresh() {
  const all = await get("accounts");
  accounts = all.accounts;
  unscanned = all.unscanned_codes.at(-1)?.uuid;
  showAccounts();
  const of = account;
  const [newState, newChats] = await Promise.all([get("state"), get("chats")]);
  const newContacts = refreshed++ % 10 === 0 ? await get("contacts") : { contacts };
  if (of !== account) return;
  [state, chats, contacts] = [newState, newChats.chats, newContacts.contacts];
  await showState();
  showContacts();
  showChats();
  showMessages();
  await showRequests();
}

async function run() {
  let failed = false;
  for (;;) {
    if (!document.hidden) {
      try {
        await refresh();
        if (failed) report(null);
        failed = false;
        $("access").hidden = true;
      } catch (error) {
        failed = true;
        report(error);
      }
    }
    await new Promise((done) => setTimeout(done, 1000));
  }
}

for (const button of document.querySelectorAll("button[data-post]")) {
  button.addEventListener("click", () => act(() => {
    refreshed = 0;
    return call("POST", button.dataset.post, button.dataset.body);
  }));
}

$("account").addEventListener("change", () => {
  account = Number($("account").value);
  [current, contacts, chats, refreshed] = ["", [], [], 0];
  clearRequests();
  act(() => {});
});

$("access").addEventListener("submit", (event) => {
  event.preventDefault();
  token = $("token").value;
  sessionStorage.setItem("token", token);
  act(() => {});
});

$("open").addEventListener("change", () => {
  const found = contacts.find((contact) => nameOf(contact) === $("open").value);
  $("open").value = "";
  if (found) openChat(found.id);
});

$("write").addEventListener("submit", (event) => {
  event.preventDefault();
  const [from, text] = [$("author").value, $("text").value];
  const place = contactOf(current).is_room ? { room: current } : from === "me" ? { to: current } : {};
  $("text").value = "";
  act(() => call("POST", "messages", JSON.stringify({ from, ...place, message: { text } })));
});

$("filter").addEventListener("change", () => {
  for (const row of rows.values()) row.hidden = isHidden(row);
});

run();
