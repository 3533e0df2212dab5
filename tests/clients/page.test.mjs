// The page of the control port in jsdom. It ignores the page's policy, so that markup in texts would become elements.

import assert from "node:assert";
import { after, before, test } from "node:test";

import { JSDOM } from "jsdom";

import { Simulator } from "./simulator.mjs";

const HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>";
let simulator, page;

const $ = (id) => page.window.document.getElementById(id);

// Waits until the page shows something.
async function until(shows) {
  for (let time = 0; time < 10000; time += 50) {
    if (shows()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  assert.fail(`not shown: ${shows}`);
}

async function ask(path) {
  await fetch(simulator.addresses.http + path).then((reply) => reply.arrayBuffer());
}

before(async () => {
  simulator = await Simulator.start("--bind=0.0.0.0", "--control-token=secret", "--mode=service");
  const { control } = simulator.addresses;
  simulator.call = async (method, path, body) => {
    const headers = { "content-type": "application/json", authorization: "Bearer secret" };
    const reply = await fetch(`${control}/v1/${path}`, { method, headers, body: JSON.stringify(body) });
    const text = await reply.text();
    assert.ok(reply.ok, `${method} ${path}: ${text}`);
    return JSON.parse(text || "null");
  };
  await simulator.post("people", { name: HOSTILE });
  await simulator.post("rooms", { name: HOSTILE + " room", members: [HOSTILE, "Óscar"] });
  await simulator.post("messages", { from: HOSTILE, message: { text: HOSTILE } });
  await simulator.post("messages", { from: HOSTILE, room: HOSTILE + " room", message: { system: HOSTILE } });
  await simulator.post("messages", { from: HOSTILE, message: { file: { name: HOSTILE } } });
  await ask("/" + encodeURIComponent(HOSTILE) + "?" + HOSTILE);
  page = await JSDOM.fromURL(control + "/", {
    pretendToBeVisual: true,
    resources: "usable",
    runScripts: "dangerously",
    beforeParse(window) {
      window.fetch = (path, options) => fetch(new URL(path, control), options);
      window.URL.createObjectURL = (blob) => `blob:${blob.type}`;
      window.URL.revokeObjectURL = () => {};
    },
  });
});

after(() => {
  page?.window.close();
  simulator?.stop();
});

test("the page asks for the token", async () => {
  await until(() => !$("access").hidden);
  $("token").value = "secret";
  $("access").requestSubmit();
  await until(() => $("access").hidden && $("stage").textContent === "idle");
});

test("markup in texts stays text", async () => {
  const { document } = page.window;
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
  $("open").value = "Óscar";
  $("open").dispatchEvent(new page.window.Event("change"));
  assert.strictEqual($("title").textContent, "Óscar");
});

test("the QR code is scanned and confirmed", async () => {
  const press = (text) => [...$("login").querySelectorAll("button")].find((button) => button.textContent === text).click();
  await ask("/jslogin?appid=wx782c26e4c19acffb&fun=new&lang=zh_CN&redirect_uri=https%3A%2F%2Fwx.qq.com%2Fcgi-bin%2Fmmwebwx-bin%2Fwebwxnewloginpage");
  await until(() => $("stage").textContent === "shown" && $("code").src === "blob:image/jpeg");
  press("Scan");
  await until(() => $("stage").textContent === "scanned");
  press("Confirm");
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
