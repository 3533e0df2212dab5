"""The bridge, used with nothing but Python's standard library.

Usage: bridge.py PART COMMAND... where COMMAND starts `wechat` against a simulated service. Part
`session` uses standard input and output: log in, all operations, kill -9, resume. Part `http` uses
HTTP with server-sent events.
"""

import http.client
import json
import os
import subprocess
import sys
import tempfile


class Bridge:
    """A bridge on standard input and output."""

    def __init__(self, command, *options):
        self.process = subprocess.Popen(
            [*command, "bridge", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.events = []
        self.number = 0

    def read(self):
        line = json.loads(self.process.stdout.readline())
        assert line["v"] == 1, line
        return line

    def event(self, kind):
        """Returns the next event of a kind."""
        for index, event in enumerate(self.events):
            if event["type"] == kind:
                return self.events.pop(index)
        while True:
            line = self.read()
            if line.get("type") == kind:
                return line
            self.events.append(line)

    def request(self, do, **arguments):
        """Runs an operation, and returns the reply."""
        self.number += 1
        request = {"id": self.number, "do": do, **arguments}
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        while True:
            line = self.read()
            if line.get("id") == self.number:
                return line
            self.events.append(line)

    def ok(self, do, **arguments):
        reply = self.request(do, **arguments)
        assert "ok" in reply, (do, reply)
        return reply["ok"]

    def error(self, do, **arguments):
        reply = self.request(do, **arguments)
        assert "error" in reply, (do, reply)
        return reply["error"]


def session(command):
    bridge = Bridge(command)
    code = bridge.event("qr")
    assert code["url"].endswith(code["uuid"]), code
    bridge.event("scanned")
    user = bridge.event("logged_in")["user"]
    assert user.startswith("@") and "#" in user, user

    with tempfile.TemporaryDirectory() as folder:
        def file(name, content):
            path = os.path.join(folder, name)
            with open(path, "wb") as new:
                new.write(content)
            return path

        text = bridge.ok("send_text", to="Ada", text="你好", key="a")
        assert isinstance(text["msg_id"], str) and isinstance(text["client_msg_id"], str), text
        again = bridge.ok("send_text", to="Ada", text="你好", key="a")
        assert again["repeated"] and again["msg_id"] == text["msg_id"], again
        bridge.ok("send_text", to=text["to"], text="by its UserName")
        bridge.ok("send_image", to="Ada", path=file("a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(99)))
        bridge.ok("send_video", to="Ada", path=file("a.mp4", b"\0\0\0\x18ftypmp42" + bytes(99)))
        bridge.ok("send_file", to="filehelper", path=file("a.txt", b"text"), name="b.txt")
        bridge.ok("send_emoticon", to="Ada", path=file("a.gif", b"GIF89a" + bytes(99)))
        bridge.ok("send_emoticon", to="Ada", md5="a0c4153e43c3fd2e9a2fbb9be2f4de07")
        bridge.ok("revoke", msg_id=text["msg_id"])

        # The test writes this when it sees the first text.
        message = bridge.event("message")
        assert (message["text"], message["chat_name"]) == ("[File] 报告.pdf", "Ada"), message
        msg_id = message["message"]["id"]
        bridge.ok("forward", msg_id=msg_id, to="Bob")
        saved = bridge.ok("download", msg_id=msg_id, path=folder)
        with open(saved["path"], "rb") as got:
            assert got.read() == b"%PDF", saved
        bridge.ok("avatar", user="Bob", path=folder)
        request = bridge.event("friend_request")
        bridge.ok("accept_friend", msg_id=request["message"]["id"])

        names = [contact["name"] for contact in bridge.ok("contacts")["contacts"]]
        assert {"Ada", "Bob", "Book club"} <= set(names), names
        assert bridge.ok("find", name="Book club")["kind"] == "room"
        members = bridge.ok("members", room="Book club")["members"]
        stranger = next(member for member in members if member["name"] == "Cy")
        bridge.ok("add_friend", user=stranger["user"], greeting="hello")
        bridge.ok("set_remark", user="Bob", remark="Robert")
        bridge.ok("pin", chat="Ada")
        bridge.ok("unpin", chat="Ada")
        bridge.ok("mark_read", chat="Ada")
        room = bridge.ok("create_room", members=["Ada", "Robert"], topic="Three")["room"]
        bridge.ok("rename_room", room=room, topic="Four")
        bridge.ok("remove_members", room=room, members=["Robert"])
        bridge.ok("add_members", room=room, members=["Robert"])
        bridge.ok("quit_room", room=room)
        assert bridge.ok("status")["unacknowledged"] == 2

        assert bridge.error("send_text", to="Nobody", text="x")["kind"] == "contact"
        stale = user.split("#")[0] + "#00000000"
        assert bridge.error("send_text", to=stale, text="x")["kind"] == "stale_contact"
        assert bridge.error("forward", msg_id="7", to="Ada")["kind"] == "unknown_message"
        assert bridge.error("fly")["kind"] == "malformed"

    # A crash after the message was read, and before it was acknowledged.
    bridge.ok("ack", seq=request["seq"])
    bridge.process.kill()
    bridge.process.wait()
    bridge = Bridge(command)
    bridge.event("logged_in")
    assert bridge.event("message")["seq"] == message["seq"]
    bridge.ok("ack", seq=message["seq"])
    # The key outlasts the crash.
    assert bridge.ok("send_text", to="Ada", text="你好", key="a")["repeated"]
    bridge.ok("logout")
    assert bridge.event("ended")["reason"] == "logged_out"
    assert bridge.process.wait() == 0


def http_bridge(command):
    token = "the-token-of-this-test"
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(token)
        file.flush()
        options = ["--listen", "127.0.0.1:0", "--token-file", file.name]
        process = subprocess.Popen([*command, "bridge", *options], stdout=subprocess.PIPE)
        listening = json.loads(process.stdout.readline())
    address = listening["address"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def call(method, path, body=None, **changed):
        connection = http.client.HTTPConnection(address, timeout=30)
        changed = {name.replace("_", "-"): value for name, value in changed.items()}
        sent = {name: value for name, value in {**headers, **changed}.items() if value is not None}
        connection.request(method, path, body, sent)
        return connection.getresponse()

    def request(**operation):
        response = call("POST", "/v1/requests", json.dumps(operation))
        return response.status, json.loads(response.read())

    class Events:
        def __init__(self, query=""):
            self.response = call("GET", "/v1/events" + query)

        def event(self, kind):
            while True:
                line = self.response.readline()
                assert line, "the stream has ended"
                if line.startswith(b"data: "):
                    event = json.loads(line[6:])
                    if event["type"] == kind:
                        return event

        def close(self):
            self.response.close()

    observer = Events()
    observer.event("logged_in")
    status, reply = request(id=1, do="ack", seq=1)
    assert (status, reply["error"]["kind"]) == (200, "not_consumer"), reply
    consumer = Events("?consumer=true")
    assert call("GET", "/v1/events?consumer=true").status == 409
    status, reply = request(id="x", do="send_text", to="Ada", text="over HTTP")
    assert (status, reply["id"]) == (200, "x") and reply["ok"]["msg_id"], reply
    # The test writes this when it sees the text.
    message = consumer.event("message")
    assert observer.event("message") == message
    consumer.close()
    while (consumer := Events("?consumer=true")).response.status == 409:
        pass
    assert consumer.event("message")["seq"] == message["seq"]
    status, reply = request(id=2, do="ack", seq=message["seq"])
    assert reply == {"v": 1, "id": 2, "ok": {}}, reply

    body = json.dumps({"do": "status"})
    for expected, method, path, content, changed in [
        (200, "POST", "/v1/requests", body, {}),
        (401, "POST", "/v1/requests", body, {"Authorization": None}),
        (401, "POST", "/v1/requests", body, {"Authorization": "Bearer x"}),
        (401, "GET", "/v1/events", None, {"Authorization": None}),
        (403, "POST", "/v1/requests", body, {"Host": "evil.example"}),
        (403, "POST", "/v1/requests", body, {"Origin": "http://evil.example"}),
        (403, "GET", "/v1/events", None, {"Origin": "null"}),
        (415, "POST", "/v1/requests", body, {"Content_Type": "text/plain"}),
        (413, "POST", "/v1/requests", " " * (2 << 20), {}),
        (400, "POST", "/v1/requests", "{", {}),
        (400, "GET", "/v1/events?x=1", None, {}),
        (405, "GET", "/v1/requests", None, {}),
        (404, "GET", "/", None, {}),
    ]:
        try:
            status = call(method, path, content, **changed).status
        except (BrokenPipeError, ConnectionResetError):
            # The server closes the connection of a body that is too long.
            status = 413
        assert status == expected, (status, expected, method, path, changed)
    # The reply and the last event are written before the process ends.
    status, reply = request(id=3, do="logout")
    assert reply == {"v": 1, "id": 3, "ok": {}}, reply
    for events in observer, consumer:
        assert events.event("ended")["reason"] == "logged_out"
    assert process.wait() == 0


if __name__ == "__main__":
    {"session": session, "http": http_bridge}[sys.argv[1]](sys.argv[2:])
    print("done")
