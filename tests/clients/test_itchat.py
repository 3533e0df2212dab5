"""itchat-uos 1.4.1, unmodified, through the proxy. The tests compare the server's records with the values that the bot sends."""

import base64
import hashlib
import html
import json
import os
import queue
from pathlib import Path

import itchat
import pytest
from itchat.content import ATTACHMENT, FRIENDS, PICTURE, RECORDING, TEXT, VIDEO

HOSTILE = "<img src=x onerror=alert(1)></script> & \"多行\"\n😀"
DEVIATIONS = Path(__file__).with_name("itchat.deviations.json")
seen = set()


@pytest.fixture
def bot(simulator):
    bot = itchat.new_instance()
    bot.received = queue.Queue()
    kinds = [ATTACHMENT, FRIENDS, PICTURE, RECORDING, TEXT, VIDEO]
    bot.msg_register(kinds, isFriendChat=True, isGroupChat=True)(bot.received.put)
    bot.auto_login(qrCallback=lambda **_: None, loginCallback=lambda: None)
    bot.run(blockThread=False)
    yield bot
    bot.alive = False
    violations = simulator.records("violations")
    fatal = [f"{found['endpoint']}: {found['what']}" for found in violations if found["grade"] == "fatal"]
    assert fatal == []
    seen.update(found["difference"] for found in violations)


def upload(data):
    """Returns the size and the SHA-256 of an upload's record."""
    return len(data), hashlib.sha256(data).hexdigest()


def check_uploads(simulator, *expected):
    records = simulator.records("uploads")
    assert [(record["size"], record["sha256"]) for record in records] == [upload(data) for data in expected]


def check_members(simulator, room, *expected):
    assert simulator.members(room) == sorted(expected)


def friend(bot, name):
    return bot.search_friends(name=name)[0]


def test_contacts_are_those_of_the_account(simulator, bot):
    # itchat keeps official accounts in another list, lists the account among the friends, and leaves entities in names.
    found = {html.unescape(contact["NickName"]) for contact in bot.get_friends() + bot.get_mps()}
    people = [contact for contact in simulator.get("contacts")["contacts"] if not contact["is_room"]]
    expected = {contact["name"] for contact in people if contact["in_address_book"]} - {"文件传输助手"}
    assert found == expected | {simulator.get("state")["account_name"]}


def test_texts_arrive_in_both_directions(simulator, bot):
    simulator.post("messages", **{"from": "Óscar", "message": {"text": "ping <1>"}})
    message = bot.received.get(timeout=20)
    assert (message["Type"], message["Text"]) == (TEXT, "ping <1>")
    for text in ["pong", HOSTILE, "x" * 2000]:
        assert bot.send_msg(text, message["FromUserName"])
    sent = simulator.records("sent")
    assert [(record["to_name"], record["content"]) for record in sent] == [
        ("Óscar", "pong"),
        ("Óscar", HOSTILE),
        ("Óscar", "x" * 2000),
    ]


def test_texts_arrive_in_rooms(simulator, bot):
    message = {"from": "Óscar", "room": "Book club", "message": {"text": "who reads?"}}
    simulator.post("messages", **message)
    message = bot.received.get(timeout=20)
    assert (message["Text"], message["ActualNickName"]) == ("who reads?", "Óscar")
    assert bot.send_msg("me", message["FromUserName"])
    assert simulator.wait("sent", content="me")["to_name"] == "Book club"


@pytest.mark.parametrize("size", [1, 524_288, 1_300_000])
@pytest.mark.parametrize("kind", ["file", "image", "video"])
def test_uploads_arrive_unchanged(simulator, bot, tmp_path, kind, size):
    data = os.urandom(size)
    path = tmp_path / f"name.{ {'file': 'bin', 'image': 'png', 'video': 'mp4'}[kind] }"
    path.write_bytes(data)
    send = {"file": bot.send_file, "image": bot.send_image, "video": bot.send_video}[kind]
    reply = send(str(path), friend(bot, "Óscar")["UserName"])
    assert reply, reply
    check_uploads(simulator, data)
    [sent] = simulator.records("sent")
    [uploaded] = simulator.records("uploads")
    assert (sent["to_name"], sent["media_id"]) == ("Óscar", uploaded["media_id"])


@pytest.mark.parametrize("kind", ["image", "voice", "video", "file"])
def test_downloads_arrive_unchanged(simulator, bot, kind):
    data = os.urandom(70_000)
    content = {"data": base64.b64encode(data).decode()}
    content |= {"file": {"name": "名.bin"}, "voice": {"duration_ms": 1000}, "video": {"duration_ms": 1000}}.get(kind, {})
    simulator.post("messages", **{"from": "Óscar", "message": {kind: content}})
    assert bot.received.get(timeout=20)["Text"]() == data


def test_rooms_are_changed(simulator, bot):
    people = [friend(bot, name) for name in ["Óscar", "外婆", "阿梅"]]
    reply = bot.create_chatroom(people[:2], "Readers")
    assert reply, reply
    room = reply["ChatRoomName"]
    check_members(simulator, "Readers", "Óscar", "外婆")
    assert bot.add_member_into_chatroom(room, people[2:])
    check_members(simulator, "Readers", "Óscar", "外婆", "阿梅")
    assert bot.delete_member_from_chatroom(room, people[:1])
    check_members(simulator, "Readers", "外婆", "阿梅")
    assert bot.set_chatroom_name(room, "Writers")
    check_members(simulator, "Writers", "外婆", "阿梅")


def test_contacts_are_changed(simulator, bot):
    assert bot.set_alias(friend(bot, "Óscar")["UserName"], "O. & co")
    assert simulator.contact("Óscar")["remark"] == "O. & co"


def test_friend_request_is_accepted(simulator, bot):
    simulator.post("people", name="Cy", kind="stranger")
    simulator.post("messages", **{"from": "Cy", "message": {"friend_request": "hello"}})
    message = bot.received.get(timeout=20)
    assert message["Type"] == FRIENDS
    assert bot.add_friend(**{**message["Text"], "status": 3})
    assert simulator.wait("verifications")["opcode"] == 3
    assert simulator.contact("Cy")["in_address_book"]


def test_logout_ends_the_session(simulator, bot):
    assert bot.logout()
    assert simulator.get("state")["stage"] == "ended"


@pytest.mark.parametrize("kind", ["file", "image", "video"])
def test_byte_altered_at_the_server_fails_the_suite(simulator, bot, tmp_path, kind):
    simulator.post("faults", endpoint="webwxuploadmedia", effect="alter")
    with pytest.raises(AssertionError) as failure:
        test_uploads_arrive_unchanged(simulator, bot, tmp_path, kind, 1000)
    assert failure.traceback[-1].name == "check_uploads"


@pytest.mark.parametrize(("endpoint", "after"), [("create", 0), ("update", 0), ("update", 1)])
def test_member_altered_at_the_server_fails_the_suite(simulator, bot, endpoint, after):
    simulator.post("faults", endpoint=f"webwx{endpoint}chatroom", effect="alter", after=after)
    with pytest.raises(AssertionError) as failure:
        test_rooms_are_changed(simulator, bot)
    assert failure.traceback[-1].name == "check_members"


def test_deviations_are_the_known_ones():
    """Runs last. With UPDATE_DEVIATIONS=1, writes the list."""
    if os.environ.get("UPDATE_DEVIATIONS"):
        DEVIATIONS.write_text(json.dumps(sorted(seen), indent=1) + "\n")
    assert sorted(seen) == json.loads(DEVIATIONS.read_text())
