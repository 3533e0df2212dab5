// The page of the control port, with several accounts.

import assert from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { JSLOGIN, Page, until } from "./page.mjs";
import { Simulator } from "./simulator.mjs";

const HOSTILE = "<img src=x onerror=alert(1)> & co";
const WORLD = `
account = "Ada"
[[people]]
name = "Cy"
[[accounts]]
account = "${HOSTILE}"
[[accounts.people]]
name = "Dee"
`;
let folder, simulator, page;

const $ = (id) => page.document.getElementById(id);

function choose(name) {
  page.change("account", [...$("account").options].find((option) => option.textContent === name).value);
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "wechat-simulator-"));
  writeFileSync(join(folder, "world.toml"), WORLD);
  simulator = await Simulator.start("--script", join(folder, "world.toml"));
  page = await Page.open(simulator.addresses.control);
});

after(() => {
  page?.close();
  simulator?.stop();
  rmSync(folder, { recursive: true });
});

test("the chats of the chosen account are shown", async () => {
  await until(() => !$("choice").hidden && $("account").options.length === 2 && $("names").children.length === 3);
  await simulator.post("messages", { from: "me", to: HOSTILE, message: { text: "hello" } });
  await until(() => $("list").textContent.includes("hello"));
  page.change("open", "Cy");
  assert.strictEqual($("title").textContent, "Cy");
  choose(HOSTILE);
  await until(() => [...$("names").children].some(({ value }) => value === "Dee"));
  assert.ok(![...$("names").children].some(({ value }) => value === "Cy"));
  assert.notStrictEqual($("title").textContent, "Cy");
  await until(() => $("list").querySelector("button"));
  $("list").querySelector("button").click();
  assert.strictEqual($("title").textContent, "Ada");
  assert.match($("messages").textContent, /Ada.*hello/);
  $("author").value = "me";
  $("text").value = "answer";
  $("write").requestSubmit();
  await until(() => $("messages").textContent.includes("answer"));
  const { chats } = await simulator.get("chats");
  assert.strictEqual(chats[0].messages.at(-1).text, "answer");
  assert.strictEqual(page.document.images.length, 1, "only the QR code");
});

test("the chosen account scans the QR code", async () => {
  await fetch(`${simulator.addresses.http}${JSLOGIN}`);
  await until(() => $("code").src === "blob:image/jpeg" && !$("code").hidden);
  assert.match($("hint").textContent, /account that scans it/);
  page.press("Scan");
  await until(() => $("stage").textContent === "scanned" && $("requests").children.length === 1);
  choose("Ada");
  await until(() => $("stage").textContent === "idle" && $("requests").children.length === 0 && $("code").hidden);
  assert.strictEqual((await simulator.get(`state?account=${encodeURIComponent(HOSTILE)}`)).stage, "scanned");
});

test("a renamed account stays chosen", async () => {
  await simulator.call("PATCH", "contacts/me", { name: "Eve" });
  await until(() => $("account").selectedOptions[0].textContent === "Eve");
  assert.ok($("error").hidden);
});
