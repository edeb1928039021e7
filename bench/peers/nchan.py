"""nginx with nchan, both of Debian's packages: one worker, and a publisher in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

from bench.peer import EVENT_BYTES, Peer, Serving, free_port, listening
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


def publish(port: int) -> None:
    """Give nginx an event at each full second, until ended."""
    while True:
        time.sleep(1 - time.time() % 1)
        now = time.time()
        head = f'{{"id":"{int(now * 1000)}-0","timestamp":{now},"text":'
        event = f"{head}{json.dumps('x' * (EVENT_BYTES - len(head) - 3))}}}".encode()
        with urlopen(Request(f"http://127.0.0.1:{port}/publish", event), timeout=10) as answer:
            answer.read()


@contextmanager
def _serving(folder: Path, core: int) -> Iterator[Serving]:
    config, log, port = folder / "nginx.conf", folder / "nginx.log", free_port()
    config.write_text(SETTINGS.format(module=MODULE, folder=folder, port=port))
    nginx = shutil.which("nginx", path=_PATH) or "nginx"
    command = [nginx, "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")]
    with started(command, log, dict(os.environ), core) as process:
        until(lambda: listening(port), process, log)
        publishing = subprocess.Popen(
            [sys.executable, "-m", __name__, str(port)], env={**os.environ, "PYTHONPATH": str(ROOT)}
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
    publish(int(sys.argv[1]))
