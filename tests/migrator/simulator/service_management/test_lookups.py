"""Looking documents up by name and by group, which the store keeps ready: always as a plain search would find them."""

from hypothesis import given
from hypothesis import strategies as st

from migrator.simulator.store import Document, Store

SUBSCRIPTION, KIND = "s1", "Microsoft.X/things"
NAMES = st.sampled_from(["alpha", "Beta", "GAMMA"])
GROUPS = st.sampled_from(["g1", "g2"])
STEPS = st.lists(st.tuples(st.sampled_from(["put", "remove"]), GROUPS, NAMES, st.sampled_from("xyz")), max_size=30)


def colour(document: Document) -> str:
    return str(document["properties"]["colour"])


@given(STEPS)
def test_lookups_agree_with_a_search_after_every_change(steps):
    store = Store()
    for step, group, name, shade in steps:
        key = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/{KIND}/{name}"
        if step == "put":
            store.put({"id": key, "name": name, "type": KIND, "properties": {"colour": shade}})
        else:
            store.remove(key.upper())
        documents = store.of_type(SUBSCRIPTION, KIND)
        for wanted in ("ALPHA", "beta", "gamma", "delta"):
            expected = [d for d in documents if d["name"].lower() == wanted.lower()]
            assert store.named(SUBSCRIPTION.upper(), KIND.lower(), wanted) == expected
        grouped = store.grouped(SUBSCRIPTION, KIND, colour)
        assert grouped is store.grouped(SUBSCRIPTION, KIND, colour)
        assert {shade: list(rows) for shade, rows in grouped.items()} == {
            shade: [d for d in documents if colour(d) == shade] for shade in {colour(d) for d in documents}
        }
