// The page of the control port, with one account and a token.

import assert from "node:assert";
import { after, before, test } from "node:test";

import { JSLOGIN, Page, until } from "./page.mjs";
import { Simulator } from "./simulator.mjs";

const HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>";
let simulator, page;

const $ = (id) => page.document.getElementById(id);

async function ask(path) {
  await fetch(simulator.addresses.http + path).then((reply) => reply.arrayBuffer());
}

before(async () => {
  simulator = await Simulator.start("--bind=0.0.0.0", "--control-token=secret", "--mode=service");
  simulator.headers.authorization = "Bearer secret";
  await simulator.post("people", { name: HOSTILE });
  await simulator.post("rooms", { name: HOSTILE + " room", members: [HOSTILE, "Óscar"] });
  await simulator.post("messages", { from: HOSTILE, message: { text: HOSTILE } });
  await simulator.post("messages", { from: HOSTILE, room: HOSTILE + " room", message: { system: HOSTILE } });
  await simulator.post("messages", { from: HOSTILE, message: { file: { name: HOSTILE } } });
  await ask("/" + encodeURIComponent(HOSTILE) + "?" + HOSTILE);
  page = await Page.open(simulator.addresses.control);
});

after(() => {
  page?.close();
  simulator?.stop();
});

test("the page asks for the token", async () => {
  await until(() => !$("access").hidden);
  $("token").value = "secret";
  $("access").requestSubmit();
  await until(() => $("access").hidden && $("stage").textContent === "idle");
});

test("markup in texts stays text", async () => {
  const { document } = page;
  await until(() => $("list").children.length === 2 && $("requests").children.length === 1);
  for (const button of [...$("list").querySelectorAll("button")]) {
    button.click();
    await until(() => $("messages").textContent.includes(HOSTILE));
    assert.strictEqual($("author").textContent.includes(HOSTILE), true);
  }
  $("requests").firstChild.click();
  await until(() => !$("request").hidden);
  assert.match($("requests").textContent, /script/);
  assert.strictEqual(document.images.length, 1, "only the QR code");
  assert.strictEqual(document.scripts.length, 1, "only the page's own");
});

test("people write", async () => {
  const text = $("text");
  text.value = HOSTILE + "!";
  $("write").requestSubmit();
  await until(() => $("messages").textContent.includes(HOSTILE + "!"));
  const { chats } = await simulator.get("chats");
  assert.strictEqual(chats[0].messages.at(-1).text, HOSTILE + "!");
  page.change("open", "Óscar");
  assert.strictEqual($("title").textContent, "Óscar");
});

test("the QR code is scanned and confirmed", async () => {
  await ask(JSLOGIN);
  await until(() => $("stage").textContent === "shown" && $("code").src === "blob:image/jpeg");
  page.press("Scan");
  await until(() => $("stage").textContent === "scanned");
  page.press("Confirm");
  await until(() => $("stage").textContent === "confirmed");
  assert.ok($("code").hidden);
});

test("a refused action is explained", async () => {
  await simulator.post("reset", {});
  await until(() => $("stage").textContent === "idle");
  const button = $("login").querySelector("button");
  button.disabled = false;
  button.click();
  await until(() => $("error").textContent.startsWith("no login is waiting"));
});
