"""A foreign page in a real browser, and a served page's headers over a real socket."""

import http.server
import threading

import httpx
import pytest
from tests.web import browser as real


@pytest.fixture
def foreign_page(boxes):
    """Address of another site whose page shows ours in a frame."""
    content = f'<h1>Win a prize</h1><iframe src="{boxes.address}" width=900 height=700></iframe>'.encode()

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{site.server_port}/"
        site.shutdown()


def test_every_response_forbids_frames_over_a_real_socket(boxes):
    page = httpx.get(boxes.address)
    script = next(part.split('"')[0] for part in page.text.split('src="')[1:] if part.split('"')[0].endswith(".js"))
    for path in ("", script.lstrip("/"), "attempts/0/crop.png", "nowhere"):
        headers = httpx.get(boxes.address + path).headers
        assert headers["content-security-policy"] == "frame-ancestors 'none'", path
        assert headers["x-frame-options"] == "DENY", path


def test_a_foreign_page_cannot_show_ours_in_a_frame(browser, boxes, foreign_page):
    page = browser.new_context().new_page()
    page.goto(foreign_page)
    page.wait_for_timeout(3000)
    frame = page.frames[1]
    assert "prize" in page.inner_text("h1")
    assert not frame.url.startswith(boxes.address), frame.url
    assert frame.locator(".grasp-canvas").count() == 0
    real.open_page(browser, boxes.address)  # by itself the page opens


def test_a_page_on_all_addresses_opens_at_the_address_that_is_printed(browser, tmp_path):
    from tests.web.test_browse_listing import fill

    fill(tmp_path / "d")
    with real.Server(real.BROWSE, tmp_path / "d", "--port", 0, "--host", "0.0.0.0", "--token", "auto") as server:
        assert "0.0.0.0" not in server.address
        real.open_page(browser, server.address, wait_for=".attempt")
