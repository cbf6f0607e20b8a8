"""A model hub on this machine: one repository, served from a folder the way huggingface_hub asks for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class LocalHub(ThreadingHTTPServer):
    """Serves `folder` as every repository.

    Attributes:
        stall_in: name of a file that is sent by half and then held back until `released`.
        halfway: set when that half was sent.
        served: names of the files that were sent, in order.
    """

    def __init__(self, folder: Path, stall_in: str | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder, self.stall_in = folder, stall_in
        self.halfway, self.released = Event(), Event()
        self.served: list[str] = []

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process use this hub."""
        return {"HF_ENDPOINT": f"http://127.0.0.1:{self.server_port}", "HF_HUB_OFFLINE": "0", "NO_PROXY": "127.0.0.1"}


@contextmanager
def serving(folder: Path, stall_in: str | None = None) -> Iterator[LocalHub]:
    """The hub, while the block runs."""
    with LocalHub(folder, stall_in) as hub:
        Thread(target=hub.serve_forever, daemon=True).start()
        try:
            yield hub
        finally:
            hub.released.set()
            hub.shutdown()


class _Handler(BaseHTTPRequestHandler):
    server: LocalHub

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/api/"):
            self._send(200, self._listing(tree="/tree/" in path), {})
            return
        file = self.server.folder / path.partition("/resolve/")[2].partition("/")[2]
        if not file.is_file():
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        content = file.read_bytes()
        self._send(200, content, {"ETag": hashlib.sha256(content).hexdigest(), "X-Repo-Commit": COMMIT}, file.name)

    def _listing(self, *, tree: bool) -> bytes:
        files = [(file.name, file.stat().st_size) for file in self.server.folder.iterdir() if file.is_file()]
        if tree:
            return json.dumps([{"type": "file", "path": n, "size": s, "oid": "0" * 40} for n, s in files]).encode()
        return json.dumps({"id": "any/model", "sha": COMMIT, "siblings": [{"rfilename": n} for n, _ in files]}).encode()

    def _send(self, status: int, body: bytes, headers: dict[str, str], name: str = "") -> None:
        self.send_response(status)
        for header, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(header, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if name and name == self.server.stall_in:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.server.halfway.set()
            self.server.released.wait()
            return
        self.wfile.write(body)
        self.server.served.append(name)
