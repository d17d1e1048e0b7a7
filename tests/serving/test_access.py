"""Who may reach a page."""

import asyncio
import socket
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute

from grasping_student.pipeline.errors import UserError
from grasping_student.serving import access
from grasping_student.serving.access import Binding, Guard, address_to_open, checked_binding, is_loopback, open_socket

TOKEN = "a-long-enough-token"


async def _page(request):
    return PlainTextResponse(str(request.url.query))


async def _socket(websocket):
    await websocket.accept()
    await websocket.close()


APP = Starlette(routes=[Route("/", _page), Route("/x", _page), WebSocketRoute("/ws", _socket)])


def get(binding, path="/", host="127.0.0.1:8080", **headers):
    async def ask():
        transport = httpx.ASGITransport(Guard(APP, binding))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


def websocket_accepted(binding, headers, query=b""):
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    scope = {"type": "websocket", "path": "/ws", "query_string": query, "headers": headers, "subprotocols": []}
    asyncio.run(Guard(APP, binding)(scope, receive, send))
    return sent[0]["type"] == "websocket.accept"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1", "[::1]"])
def test_loopback_needs_no_token(host):
    assert is_loopback(host) and checked_binding(host, 0, None).loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "robot.example.org", ""])
def test_other_hosts_need_a_token(host):
    with pytest.raises(UserError, match="--token"):
        checked_binding(host, 8080, None)
    assert checked_binding(host, 8080, TOKEN).token == TOKEN


def test_tokens_that_could_be_guessed_are_refused_and_auto_makes_a_new_one():
    with pytest.raises(UserError, match="12"):
        checked_binding("0.0.0.0", 8080, "secret")
    for token in ("ünïcödé-and-long", "a token of words", "token&more=that-way", "twelve-and-\n"):
        with pytest.raises(UserError, match="letters"):
            checked_binding("127.0.0.1", 8080, token)
    made = {checked_binding("0.0.0.0", 8080, "auto").token for _ in range(3)}
    assert len(made) == 3 and all(len(token) >= 20 for token in made)


def test_ports_that_do_not_exist_or_are_taken_are_refused():
    with pytest.raises(UserError, match="65535"):
        checked_binding("127.0.0.1", 70_000, None)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UserError, match="--port"):
            open_socket(Binding(port=taken.getsockname()[1]))
    with pytest.raises(UserError, match=r"cannot serve.*address of this machine"):
        open_socket(Binding(host="203.0.113.7", token=TOKEN))


def test_without_a_token_the_page_opens():
    assert get(Binding()).status_code == 200


def test_a_foreign_name_for_this_machine_is_refused():
    assert get(Binding(), host="evil.example.org:8080").status_code == 403
    assert get(Binding(host="0.0.0.0", token=TOKEN), "/?token=" + TOKEN, host="robot:8080").status_code == 303


def test_another_sites_script_is_refused():
    assert get(Binding(), origin="http://evil.example.org").status_code == 403
    assert get(Binding(), origin="http://127.0.0.1:9999").status_code == 403
    assert get(Binding(), origin="http://127.0.0.1:8080").status_code == 200
    host = (b"host", b"127.0.0.1:8080")
    assert websocket_accepted(Binding(), [host, (b"origin", b"http://127.0.0.1:8080")])
    assert not websocket_accepted(Binding(), [host, (b"origin", b"http://evil.example.org")])


def test_the_token_opens_the_page_and_leaves_the_address():
    binding = Binding(host="0.0.0.0", port=8080, token=TOKEN)
    assert get(binding).status_code == 401
    assert get(binding, "/?token=wrong-wrong-wrong").status_code == 401
    opened = get(binding, f"/x?view=both&token={TOKEN}")
    assert opened.status_code == 303 and opened.headers["location"] == "/x?view=both"
    cookie = opened.headers["set-cookie"].split(";")[0]
    assert "HttpOnly" in opened.headers["set-cookie"] and "SameSite=strict" in opened.headers["set-cookie"]
    assert get(binding, cookie=cookie).status_code == 200
    assert get(binding, cookie=cookie[:-1]).status_code == 401
    assert get(binding, authorization=f"Bearer {TOKEN}").status_code == 200
    assert get(binding, authorization=f"Basic {TOKEN}").status_code == 401


def test_the_websocket_needs_the_token_too():
    binding = Binding(host="0.0.0.0", port=8080, token=TOKEN)
    host = (b"host", b"robot:8080")
    assert not websocket_accepted(binding, [host])
    assert websocket_accepted(binding, [host, (b"cookie", f"grasping-student-8080={TOKEN}".encode())])
    assert not websocket_accepted(binding, [host, (b"cookie", b"grasping-student-8080=caf\xe9")])


def test_every_offered_word_is_compared_in_constant_time(monkeypatch):
    compared = []
    monkeypatch.setattr(access.hmac, "compare_digest", lambda a, b: compared.append(a) or a == b)
    binding = Binding(host="0.0.0.0", token=TOKEN)
    get(binding, f"/?token=x&token={TOKEN}&token=y")
    assert compared == [b"x", TOKEN.encode(), b"y"]


def test_a_page_that_moves_a_robot_has_a_token_on_this_machine_too():
    made = {checked_binding("127.0.0.1", 0, None, moves_robot=True).token for _ in range(2)}
    assert len(made) == 2 and all(len(token) >= 20 for token in made)
    assert checked_binding("127.0.0.1", 0, TOKEN, moves_robot=True).token == TOKEN
    assert checked_binding("127.0.0.1", 0, None).token is None


def test_the_printed_address_can_be_opened_from_another_machine():
    for host in ("0.0.0.0", "::", ""):
        named = urlsplit(address_to_open(Binding(host, 8080, TOKEN), 8080))
        assert named.hostname not in ("0.0.0.0", "::", "") and named.query == f"token={TOKEN}" and named.port == 8080
    assert address_to_open(Binding("::1"), 81) == "http://[::1]:81/"
    assert address_to_open(Binding("localhost"), 80) == "http://localhost:80/"


def test_no_response_may_stand_in_a_frame():
    found = [get(Binding()), get(Binding(), "/nowhere"), get(Binding(token=TOKEN)), get(Binding(), origin="http://x")]
    assert [each.status_code for each in found] == [200, 404, 401, 403]
    for response in found:
        assert response.headers["content-security-policy"] == "frame-ancestors 'none'"
        assert response.headers["x-frame-options"] == "DENY"
