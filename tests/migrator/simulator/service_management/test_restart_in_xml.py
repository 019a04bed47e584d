"""Everything outlives a SIGKILL: locks, running operations, route tables, the request log."""

from migrator.simulator import running
from tests.migrator.simulator.service_management.asking import Azure, every, names, text

PROXY, DMZ = "networking/routetables/rt-proxy-2015", "networking/networksecuritygroups/nsg-old-dmz"


def test_a_killed_simulator_goes_on_where_it_was(tmp_path):
    with running.simulator(scenario="demo", speed=0, state=tmp_path) as server:
        azure = Azure(server)
        azure.finish("prepare", PROXY)
        submitted = azure.verb("prepare", DMZ)
        before, lines = azure.documents(), len(azure.control("log")["value"])
        server.kill()
        server.start()
        assert azure.documents() == before
        assert len(azure.control("log")["value"]) == lines
        assert text(azure.status(submitted), "Status") == "InProgress"
        assert azure.verb("prepare", DMZ).status == 409
        azure.pass_time()
        assert text(azure.status(submitted), "Status") == "Succeeded"
        tables = every(azure.sm("/services/networking/routetables").root, "RouteTable")
        assert names(tables) == {"rt-web-back", "rt-proxy-2015"}
        assert text(azure.finish("commit", PROXY), "Status") == "Succeeded"
        server.kill()
        server.start()
        assert azure.sm(f"/services/{PROXY}").status == 404
        groups = azure.arm("GET", f"/subscriptions/{azure.subscription}/resourcegroups?api-version=2025-04-01").json
        assert "rt-proxy-2015-migrated" in {group["name"] for group in groups["value"]}
        assert "Default-Networking" not in {group["name"] for group in groups["value"]}
        assert azure.violations() == ["second submit"]
