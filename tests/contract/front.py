"""TLS in front of a simulator, and the token service a managed identity asks: the Azure command-line client insists on
both. On loopback only; certificate and token are made on the spot and are worth nothing anywhere else.

    python -m tests.contract.front http://127.0.0.1:8085 DIRECTORY    prints what `az` needs; ends with Ctrl-C
"""

import base64
import contextlib
import datetime
import http.client
import ipaddress
import json
import shlex
import ssl
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "localhost"
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "x-forwarded-proto"}
_HOUR = 3600


@dataclass(frozen=True)
class Front:
    """`url`: the simulator's address with TLS. `environment`: what `az` has to find in its environment."""

    url: str
    environment: dict[str, str]


def certificate(directory: Path) -> tuple[Path, Path]:
    """A self-signed certificate for loopback, valid for a day, and its key, as PEM files in `directory`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName(HOST), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = directory / "certificate.pem", directory / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.touch(mode=0o600)
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return public, private


def _token(tenant: str, subscription: str) -> str:
    """A token nobody signed, with the claims the command-line client reads: tenant, and the resource signed in as."""

    def part(data: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")

    site = f"/subscriptions/{subscription}/resourcegroups/none/providers/Microsoft.Web/sites/none"
    claims = {"tid": tenant, "oid": "command-line", "xms_mirid": site, "exp": int(time.time()) + 23 * _HOUR}
    return f"{part({'alg': 'none'})}.{part(claims)}.eA"


class _Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: Any) -> None:
        """The simulator keeps the log of requests."""

    def _give(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _proxy(port: int) -> type[_Quiet]:
    class Proxy(_Quiet):
        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:  # X-Forwarded-Proto: the links in the answer lead back here
                connection.request(self.command, self.path, body, {**headers, "X-Forwarded-Proto": "https"})
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException):  # dropped on purpose, or stopped
                self.close_connection = True
                return
            finally:
                connection.close()
            told = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP]
            self._give(answer.status, told, content)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on

    return Proxy


def _tokens(tenant: str, subscription: str) -> type[_Quiet]:
    class Tokens(_Quiet):
        def do_GET(self) -> None:
            """What a managed identity of App Service is given [D]."""
            ends = str(int(time.time()) + 23 * _HOUR)
            token = _token(tenant, subscription)
            body = {"access_token": token, "expires_on": ends, "resource": "simulator", "token_type": "Bearer"}
            self._give(200, [("Content-Type", "application/json")], json.dumps(body).encode())

    return Tokens


@contextlib.contextmanager
def _serving(handler: type[_Quiet], context: ssl.SSLContext | None = None) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _first_subscription(base_url: str) -> tuple[str, str]:
    request = urllib.request.Request(
        f"{base_url}/subscriptions?api-version=2022-12-01", headers={"Authorization": "Bearer front"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        row = json.loads(answer.read())["value"][0]
    return row["tenantId"], row["subscriptionId"]


@contextlib.contextmanager
def front(base_url: str, directory: Path) -> Iterator[Front]:
    """TLS before the simulator at `base_url`; certificate and the client's own files go into `directory`."""
    tenant, subscription = _first_subscription(base_url)
    public, private = certificate(directory)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    with (
        _serving(_proxy(int(urlsplit(base_url).port or 80)), context) as port,
        _serving(_tokens(tenant, subscription)) as tokens,
    ):
        environment = {
            "AZURE_CONFIG_DIR": str(directory / f"az-{port}"),  # what it remembers of a cloud names the port
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",
            "REQUESTS_CA_BUNDLE": str(public),
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{tokens}/token",
            "IDENTITY_HEADER": "loopback",
            "NO_PROXY": f"{HOST},127.0.0.1",
        }
        yield Front(f"https://{HOST}:{port}", environment)


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print((__doc__ or "").strip().splitlines()[-1].strip(), file=sys.stderr)
        return 2
    directory = Path(arguments[1]).resolve()
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with front(arguments[0].rstrip("/"), directory) as made:
            for name, value in made.environment.items():
                print(f"export {name}={shlex.quote(value)}")
            print(f"az cloud register --name Simulator --endpoint-resource-manager {made.url}")
            print("az cloud set --name Simulator && az login --identity", flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    except (OSError, LookupError) as error:
        print(f"No simulator with a subscription answers at {arguments[0]}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
