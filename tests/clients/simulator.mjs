// Starts the command `wechat-simulator` for tests: `simulator.py` for Node.js.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export class Simulator {
  // The headers of calls to the control API.
  headers = { "content-type": "application/json" };

  // The command must be started before the client is loaded: see `environment`.
  static async start(...options) {
    const simulator = new Simulator();
    simulator.folder = mkdtempSync(join(tmpdir(), "wechat-simulator-"));
    const ports = ["--port=0", "--tls-port=0", "--proxy-port=0", "--control-port=0"];
    const args = ["serve", "--json", ...ports, "--ca-dir", simulator.folder, ...options];
    simulator.process = spawn(process.env.WECHAT_SIMULATOR ?? "wechat-simulator", args, { stdio: ["ignore", "pipe", "inherit"] });
    for await (const line of createInterface({ input: simulator.process.stdout })) {
      simulator.addresses = JSON.parse(line);
      break;
    }
    return simulator;
  }

  // Calls the control API without a proxy. Returns the answer; null if it is empty.
  call(method, path, body) {
    return new Promise((resolve, reject) => {
      const options = { method, headers: this.headers, agent: false };
      const call = request(`${this.addresses.control}/v1/${path}`, options, async (reply) => {
        const parts = [];
        for await (const part of reply) parts.push(part);
        const text = Buffer.concat(parts).toString();
        if (reply.statusCode < 300) resolve(JSON.parse(text || "null"));
        else reject(new Error(`${method} ${path}: ${reply.statusCode} ${text}`));
      });
      call.on("error", reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  get(path) {
    return this.call("GET", path);
  }

  post(path, body) {
    return this.call("POST", path, body);
  }

  // Waits for a record of the list with these values.
  async wait(list, where = {}) {
    return (await this.post("wait", { list, where, timeout_ms: 20000 })).record;
  }

  // Returns the first 1000 records of a list.
  async records(list) {
    return (await this.get(`records/${list}?limit=1000`)).records;
  }

  async contact(name) {
    return (await this.get("contacts")).contacts.find((contact) => contact.name === name);
  }

  // Returns the names of a room's members, without the account.
  async members(room) {
    const { contacts } = await this.get("contacts");
    const me = (await this.get("state")).account_id;
    const ids = contacts.find((contact) => contact.name === room).members.filter((id) => id !== me);
    return ids.map((id) => contacts.find((contact) => contact.id === id).name).sort();
  }

  stop() {
    this.process.kill();
    rmSync(this.folder, { recursive: true });
  }
}
