// wechat4u 0.7.14, unmodified, through the proxy. The tests compare the server's records with the values that the bot sends.

import assert from "node:assert";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { after, afterEach, beforeEach, test } from "node:test";

import { Simulator } from "./simulator.mjs";

// axios finds the proxy in the environment when it sends a request. Node.js reads the file of certificates only when it
// starts: see `run`.
const DEVIATIONS = new URL("wechat4u.deviations.json", import.meta.url);
const HOSTILE = "<img src=x onerror=alert(1)></script> & \"多行\"\n😀";
const seen = new Set();
let simulator, bot, received;

beforeEach(async () => {
  simulator = await Simulator.start("--auto-confirm", "--ca-dir", process.env.CA_DIR);
  process.env.https_proxy = process.env.HTTPS_PROXY = simulator.addresses.proxy;
  const { default: Wechat } = await import("wechat4u");
  bot = new Wechat();
  bot.errors = [];
  bot.on("error", (error) => bot.errors.push(error));
  received = [];
  bot.on("message", (message) => received.push(message));
  bot.start();
  await simulator.wait("requests", { endpoint: "webwxgetcontact", status: 200 });
  await until(() => bot.state === bot.CONF.STATE.login && friend("Óscar"));
  // The first `webwxsync` sets it. A request sent before that lacks it, which would be a deviation in some runs only.
  await until(() => bot.COOKIE.wxpluginkey);
});

afterEach(async () => {
  bot.state = bot.CONF.STATE.logout;
  clearTimeout(bot.checkPollingId);
  const violations = await simulator.records("violations");
  simulator.stop();
  const fatal = violations.filter((found) => found.grade === "fatal");
  assert.deepStrictEqual(fatal, []);
  for (const found of violations) seen.add(found.difference);
});

after(() => {
  const found = [...seen].sort();
  if (process.env.UPDATE_DEVIATIONS) writeFileSync(DEVIATIONS, JSON.stringify(found, null, 1) + "\n");
  assert.deepStrictEqual(found, JSON.parse(readFileSync(DEVIATIONS)));
});

async function until(found) {
  for (let time = 0; time < 20000; time += 20) {
    const value = found();
    if (value) return value;
    await new Promise((done) => setTimeout(done, 20));
  }
  assert.fail(`not met: ${found}; ${bot.errors.join("; ")}`);
}

const friend = (name) => Object.values(bot.contacts).find((contact) => contact.NickName === name);
const message = (type) => until(() => received.find((message) => message.MsgType === type));

// wechat4u also writes to the file helper once a minute.
async function sent() {
  const records = await simulator.records("sent");
  return records.filter(({ to }) => to !== "filehelper");
}

async function checkUploads(...expected) {
  const records = await simulator.records("uploads");
  const found = records.map(({ size, sha256 }) => [size, sha256]);
  assert.deepStrictEqual(found, expected.map((data) => [data.length, createHash("sha256").update(data).digest("hex")]));
}

async function checkMembers(room, ...expected) {
  assert.deepStrictEqual(await simulator.members(room), expected.sort());
}

// Returns whether an error is a difference that the check has found.
function failureOf(check) {
  return (error) => error instanceof assert.AssertionError && error.stack.includes(`at ${check.name} `) || assert.fail(error);
}

test("contacts are those of the account", async () => {
  const { contacts } = await simulator.get("contacts");
  for (const { name, in_address_book, is_room } of contacts) {
    // wechat4u leaves entities and emoji of the wire in names.
    if (in_address_book && !is_room && /^[\w ]+$/.test(name)) assert.ok(friend(name), name);
  }
});

test("texts arrive in both directions", async () => {
  await simulator.post("messages", { from: "Óscar", message: { text: "ping" } });
  const ping = await message(1);
  assert.strictEqual(ping.Content, "ping");
  for (const text of ["pong", HOSTILE, "x".repeat(2000)]) await bot.sendText(text, ping.FromUserName);
  const texts = await sent();
  assert.deepStrictEqual(texts.map(({ to_name, content }) => [to_name, content]), [
    ["Óscar", "pong"],
    ["Óscar", HOSTILE],
    ["Óscar", "x".repeat(2000)],
  ]);
});

async function testUpload(filename) {
  const data = randomBytes(300_000);
  await bot.sendMsg({ file: data, filename }, friend("Óscar").UserName);
  await checkUploads(data);
  const [[message], [upload]] = [await sent(), await simulator.records("uploads")];
  assert.deepStrictEqual([message.to_name, message.media_id], ["Óscar", upload.media_id]);
}

for (const filename of ["name.bin", "name.png", "name.gif", "name.mp4"]) {
  test(`${filename} is uploaded unchanged`, () => testUpload(filename));
  test(`a byte of ${filename} altered at the server fails the suite`, async () => {
    await simulator.post("faults", { endpoint: "webwxuploadmedia", effect: "alter" });
    await assert.rejects(testUpload(filename), failureOf(checkUploads));
  });
}

for (const [kind, type, more] of [
  ["image", 3, {}],
  ["voice", 34, { duration_ms: 1000 }],
  ["video", 43, { duration_ms: 1000 }],
  ["file", 49, { name: "name.bin" }],
]) {
  test(`${kind} is downloaded unchanged`, async () => {
    const data = randomBytes(70_000);
    await simulator.post("messages", { from: "Óscar", message: { [kind]: { data: data.toString("base64"), ...more } } });
    const found = await message(type);
    const download = {
      image: () => bot.getMsgImg(found.MsgId),
      voice: () => bot.getVoice(found.MsgId),
      video: () => bot.getVideo(found.MsgId),
      file: () => bot.getDoc(found.FromUserName, found.MediaId, found.FileName),
    };
    assert.ok(data.equals(Buffer.from((await download[kind]()).data)));
  });
}

async function testRooms() {
  const [oscar, mei, wai] = ["Óscar", "阿梅", "外婆"].map((name) => friend(name).UserName);
  const { ChatRoomName: room } = await bot.createChatroom("Readers", [oscar, wai].map((UserName) => ({ UserName })));
  await checkMembers("Readers", "Óscar", "外婆");
  await bot.updateChatroom(room, [mei], "addmember");
  await checkMembers("Readers", "Óscar", "外婆", "阿梅");
  await bot.updateChatroom(room, [oscar], "delmember");
  await checkMembers("Readers", "外婆", "阿梅");
  await bot.updateChatRoomName(room, "Writers");
  await checkMembers("Writers", "外婆", "阿梅");
}

test("rooms are changed", testRooms);

for (const [endpoint, after] of [["create", 0], ["update", 0], ["update", 1]]) {
  test(`a member altered at the server fails the suite: ${endpoint}, after ${after}`, async () => {
    await simulator.post("faults", { endpoint: `webwx${endpoint}chatroom`, effect: "alter", after });
    await assert.rejects(testRooms(), failureOf(checkMembers));
  });
}

test("a contact gets a remark", async () => {
  await bot.updateRemarkName(friend("Óscar").UserName, "O. & co");
  assert.strictEqual((await simulator.contact("Óscar")).remark, "O. & co");
});

test("a friend request is accepted", async () => {
  await simulator.post("people", { name: "Cy", kind: "stranger" });
  await simulator.post("messages", { from: "Cy", message: { friend_request: "hello" } });
  const { RecommendInfo } = await message(37);
  await bot.verifyUser(RecommendInfo.UserName, RecommendInfo.Ticket);
  assert.strictEqual((await simulator.wait("verifications")).opcode, 3);
  assert.ok((await simulator.contact("Cy")).in_address_book);
});

test("a logout ends the session", async () => {
  bot.stop();
  await simulator.wait("state", { stage: "ended" });
});
