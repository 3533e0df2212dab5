// The page of the control port in jsdom, with several accounts.

import assert from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { JSDOM } from "jsdom";

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
const QUERY = "appid=wx782c26e4c19acffb&fun=new&lang=zh_CN&redirect_uri=https%3A%2F%2Fwx.qq.com%2Fcgi-bin%2Fmmwebwx-bin%2Fwebwxnewloginpage";
let folder, simulator, page;

const $ = (id) => page.window.document.getElementById(id);
const press = (text) => [...$("login").querySelectorAll("button")].find((button) => button.textContent === text).click();

async function until(shows) {
  for (let time = 0; time < 10000; time += 50) {
    if (shows()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  assert.fail(`not shown: ${shows}`);
}

function choose(name) {
  $("account").value = [...$("account").options].find((option) => option.textContent === name).value;
  $("account").dispatchEvent(new page.window.Event("change"));
}

function open(name) {
  $("open").value = name;
  $("open").dispatchEvent(new page.window.Event("change"));
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "wechat-simulator-"));
  writeFileSync(join(folder, "world.toml"), WORLD);
  simulator = await Simulator.start("--script", join(folder, "world.toml"));
  const { control } = simulator.addresses;
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
  rmSync(folder, { recursive: true });
});

test("the chats of the chosen account are shown", async () => {
  await until(() => !$("choice").hidden && $("account").options.length === 2 && $("names").children.length === 3);
  await simulator.post("messages", { from: "me", to: HOSTILE, message: { text: "hello" } });
  await until(() => $("list").textContent.includes("hello"));
  open("Cy");
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
  assert.strictEqual(page.window.document.images.length, 1, "only the QR code");
});

test("the chosen account scans the QR code", async () => {
  await fetch(`${simulator.addresses.http}/jslogin?${QUERY}`);
  await until(() => $("code").src === "blob:image/jpeg" && !$("code").hidden);
  assert.match($("hint").textContent, /account that scans it/);
  press("Scan");
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
