"""An Azure that only serves prepared pages: so fast that what is measured is the product. A process of its own.

`python -m tests.benchmarks.stub_azure COUNT [--page ROWS] [--pace]` prints its port. COUNT resources: of each five
hundred one virtual network and the machines in it. `--pace`: Resource Graph's fifteen queries in five seconds
(azure.md 8.2), its headers, 429 with Retry-After; `GET /pace` tells how often it was asked too early.
"""

import argparse
import json
import math
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SUBSCRIPTION = "0f6f7b6e-1111-4222-8333-944444444444"
WINDOW, QUERIES = 5.0, 15  # seconds, queries in them
ROOM = 500  # resources of one network, itself included
PROVIDERS = ("Microsoft.ClassicInfrastructureMigrate", "Microsoft.Compute", "Microsoft.Network", "Microsoft.Storage")


def resource(number: int) -> dict[str, Any]:
    """In the order of ids: networks and machines alike are called by their number."""
    home = number - number % ROOM
    root = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/estate-{number // 5_000:03}/providers"
    network = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/estate-{home // 5_000:03}/providers"
    network_id = f"{network}/Microsoft.ClassicNetwork/virtualNetworks/n{home:07}"
    if number == home:
        prefixes = {"addressPrefixes": ["10.0.0.0/8"]}
        subnets = [{"name": f"subnet-{n}", "addressPrefix": f"10.{n}.0.0/16"} for n in range(4)]
        body = {"provisioningState": "Succeeded", "status": "Created", "addressSpace": prefixes, "subnets": subnets}
        return _row(network_id, f"n{home:07}", "microsoft.classicnetwork/virtualnetworks", body)
    name = f"v{number:07}"
    service = f"{root}/Microsoft.ClassicCompute/domainNames/{name}"
    disk = {"caching": "ReadWrite", "operatingSystem": "Linux", "ioType": "Standard"}
    body = {
        "provisioningState": "Succeeded",
        "debugProfile": {"bootDiagnosticsEnabled": True},
        "domainName": {"id": service, "name": name, "type": "Microsoft.ClassicCompute/domainNames"},
        "hardwareProfile": {"size": "Standard_D2", "deploymentName": name, "platformGuestAgent": True},
        "instanceView": {"powerState": "Started", "status": "ReadyRole", "privateIpAddress": "10.1.0.4"},
        "networkProfile": {
            "inputEndpoints": [{"endpointName": "SSH", "privatePort": 22, "publicPort": 22, "protocol": "tcp"}],
            "virtualNetwork": {"id": network_id, "name": f"n{home:07}", "subnetNames": ["subnet-1"]},
        },
        "storageProfile": {
            "operatingSystemDisk": {**disk, "diskName": f"{name}-os", "vhdUri": f"https://a.example/vhds/{name}.vhd"},
            "dataDisks": [{"diskName": f"{name}-data", "lun": 0, "diskSize": 100}],
        },
        "extensions": [],
    }
    kind = "microsoft.classiccompute/virtualmachines"
    return _row(f"{root}/Microsoft.ClassicCompute/virtualMachines/{name}", name, kind, body)


def _row(azure_id: str, name: str, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    group = azure_id.split("/")[4]
    envelope = {"id": azure_id, "name": name, "type": kind, "location": "westeurope", "resourceGroup": group}
    return {**envelope, "subscriptionId": SUBSCRIPTION, "tags": {"cost-centre": "4711"}, "properties": body}


def page_bodies(count: int, rows: int) -> list[bytes]:
    """The answers of Resource Graph, page by page."""
    pages = []
    for start in range(0, count, rows):
        data = [resource(number) for number in range(start, min(start + rows, count))]
        answer: dict[str, Any] = {"totalRecords": count, "count": len(data), "data": data, "resultTruncated": "false"}
        if start + rows < count:
            answer["$skipToken"] = str(start // rows + 1)
        pages.append(json.dumps(answer).encode())
    return pages


class Pace:
    """Fifteen queries in a window, which begins with the first of them."""

    def __init__(self) -> None:
        self.lock, self.began, self.used, self.early, self.asked = threading.Lock(), 0.0, 0, 0, 0
        self.closed_until, self.first, self.last = 0.0, 0.0, 0.0

    def ask(self) -> tuple[bool, int, float]:
        """(whether it is answered, how many are left, seconds until the window ends)."""
        with self.lock:
            now = time.monotonic()
            self.asked += 1
            self.first, self.last = self.first or now, now
            if now < self.closed_until:
                self.early += 1
            if now - self.began >= WINDOW:
                self.began, self.used = now, 0
            rest = self.began + WINDOW - now
            if self.used >= QUERIES:
                self.closed_until = self.began + WINDOW
                return False, 0, rest
            self.used += 1
            left = QUERIES - self.used
            if left == 0:
                self.closed_until = self.began + WINDOW  # what it says with the last answer counts too
            return True, left, rest


def serve(count: int, rows: int, paced: bool) -> None:
    pages, pace = page_bodies(count, rows), Pace() if paced else None
    empty, nothing = b'{"value":[]}', b'{"totalRecords":0,"count":0,"data":[],"resultTruncated":"false"}'
    listed = [{"namespace": name, "registrationState": "Registered", "resourceTypes": []} for name in PROVIDERS]
    providers = json.dumps({"value": listed}).encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 1 << 16

        def log_message(self, *_: Any) -> None: ...

        def answer(self, body: bytes, status: int = 200, **headers: str) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            if path == "/pace" and pace:
                return self.answer(
                    json.dumps({"asked": pace.asked, "early": pace.early, "span": pace.last - pace.first}).encode()
                )
            return self.answer(providers if path.endswith("/providers") else empty)

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            headers: dict[str, str] = {}
            if pace:
                served, left, rest = pace.ask()
                seconds = math.ceil(rest)
                headers = {
                    "x_ms_user_quota_remaining": str(left),
                    "x_ms_user_quota_resets_after": f"00:00:{seconds:02}",
                }
                if not served:
                    error = b'{"error":{"code":"RateLimiting","message":"Please wait."}}'
                    return self.answer(error, 429, Retry_After=str(seconds), **headers)
            if "startswith 'microsoft.classic'" not in asked["query"] or "!startswith" in asked["query"]:
                return self.answer(nothing, **headers)
            return self.answer(pages[int(asked["options"].get("$skipToken") or 0)], **headers)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("--page", type=int, default=1_000)
    parser.add_argument("--pace", action="store_true")
    given = parser.parse_args()
    serve(given.count, given.page, given.pace)
