"""nginx with nchan, both of Debian's packages: one worker, and a publisher in a process of its own.

It is given events one by one, for it has no way to take several for one write.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

from bench import replay
from bench.peer import Peer, Serving, free_port, listening
from bench.server import ROOT, started, until

MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
SETTINGS = """\
load_module {module};
daemon off;
master_process off;
pid {folder}/nginx.pid;
worker_rlimit_nofile 65536;
events {{ worker_connections 32768; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  nchan_max_reserved_memory 256M;
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    location = /publish {{ nchan_publisher; nchan_channel_id feed; nchan_message_timeout 10s; }}
    location = /events {{
      nchan_subscriber eventsource; nchan_channel_id feed; nchan_subscriber_first_message newest;
    }}
  }}
}}
"""


def publish(port: int, feed: str) -> None:
    """Give nginx each event of the feed when it is due, until ended."""
    for due, frames in replay.writes(feed):
        time.sleep(replay.left(due))
        for fields in map(replay.FIELDS.fullmatch, frames):
            assert fields is not None
            headers = {"X-EventSource-Event": fields["event"]} if fields["event"] else {}
            request = Request(f"http://127.0.0.1:{port}/publish", fields["data"].encode(), headers)
            with urlopen(request, timeout=60) as answer:
                answer.read()


@contextmanager
def _serving(folder: Path, core: int, feed: Path) -> Iterator[Serving]:
    config, log, port = folder / "nginx.conf", folder / "nginx.log", free_port()
    config.write_text(SETTINGS.format(module=MODULE, folder=folder, port=port))
    nginx = shutil.which("nginx", path=_PATH) or "nginx"
    command = [nginx, "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")]
    with started(command, log, dict(os.environ), core) as process:
        until(lambda: listening(port), process, log)
        publishing = subprocess.Popen(
            [sys.executable, "-m", __name__, str(port), str(feed)], env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        try:
            yield Serving(process.pid, f"http://127.0.0.1:{port}/events")
        finally:
            publishing.terminate()
            publishing.wait()


def _lacks() -> str | None:
    if shutil.which("nginx", path=_PATH) and MODULE.is_file():
        return None
    return "nginx with nchan is not installed: apt-get install nginx-light libnginx-mod-nchan"


_PATH = os.environ.get("PATH", "") + ":/usr/sbin"
PEER = Peer("nginx, nchan", _lacks, _serving)

if __name__ == "__main__":
    publish(int(sys.argv[1]), sys.argv[2])
