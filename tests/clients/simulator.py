"""Starts the command `wechat-simulator` for tests. Needs only the standard library.

    with Simulator("--auto-confirm") as simulator:
        simulator.post("messages", **{"from": "Óscar", "message": {"text": "ping"}})
        simulator.wait("sent", content="pong")

The command is the one in the variable WECHAT_SIMULATOR, or else on the path.
"""

import json
import os
import subprocess
import tempfile
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener


class Failed(Exception):
    """A refused call to the control API: `status`, and the answer in `reply`."""

    def __init__(self, call, status, reply):
        super().__init__(f"{call}: {status} {json.dumps(reply, ensure_ascii=False)}")
        self.status = status
        self.reply = reply


class Simulator:
    """A running command on free ports, with a certificate authority of its own."""

    def __init__(self, *options):
        self._folder = tempfile.TemporaryDirectory(prefix="wechat-simulator-")
        ports = ["--port=0", "--tls-port=0", "--proxy-port=0", "--control-port=0"]
        command = [os.environ.get("WECHAT_SIMULATOR", "wechat-simulator"), "serve", "--json", *ports]
        command += ["--ca-dir", self._folder.name, *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        line = self._process.stdout.readline()
        if not line:
            # The reason is on the standard error.
            self.stop()
            raise RuntimeError(f"{command[0]} did not start")
        self.addresses = json.loads(line)
        # Calls to the control API use no proxy.
        self._opener = build_opener(ProxyHandler({}))

    @property
    def environment(self):
        """The variables that direct a client to the simulator, with the true host names."""
        proxy, ca = self.addresses["proxy"], self.addresses["ca"]
        return {
            "HTTPS_PROXY": proxy,
            "https_proxy": proxy,
            "REQUESTS_CA_BUNDLE": ca,
            "SSL_CERT_FILE": ca,
            "NODE_EXTRA_CA_CERTS": ca,
            "NODE_USE_ENV_PROXY": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def call(self, method, path, body=None):
        """Calls the control API. Returns the answer; `None` if it is empty. Raises `Failed` for a refusal."""
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.addresses['control']}/v1/{path}"
        request = Request(url, data, {"content-type": "application/json"}, method=method)
        try:
            with self._opener.open(request) as reply:
                return json.loads(reply.read() or "null")
        except HTTPError as error:
            with error:
                raise Failed(f"{method} {path}", error.code, json.load(error)) from None

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, **body):
        return self.call("POST", path, body)

    def wait(self, list, cursor=0, timeout_ms=20000, **where):
        """Waits for a record of the list with these values. Raises `Failed` with the nearest ones after the time limit."""
        return self.post("wait", list=list, cursor=cursor, timeout_ms=timeout_ms, where=where)["record"]

    def records(self, list):
        """Returns all records of a list."""
        records, total = [], 1
        while len(records) < total:
            page = self.get(f"records/{list}?cursor={len(records)}&limit=1000")
            records, total = records + page["records"], page["total"]
        return records

    def contact(self, name):
        """Returns the person or room with this name."""
        return next(contact for contact in self.get("contacts")["contacts"] if contact["name"] == name)

    def members(self, room):
        """Returns the names of a room's members, without the account."""
        names = {contact["id"]: contact["name"] for contact in self.get("contacts")["contacts"]}
        me = self.get("state")["account_id"]
        return sorted(names[id] for id in self.contact(room)["members"] if id != me)

    def stop(self):
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
