"""`GET /metadata/endpoints`: what a cloud tells a client that has only its address, before anybody signs in. The Azure
command-line client registers a cloud from it.

The shape is that of the public cloud's own answer as clients read it [K]. There is no directory here, so the addresses
of one lead nowhere.
"""

from typing import Any

from migrator.simulator.arm.routing import Answer

NOWHERE = "https://login.simulator.invalid"
VERSIONS = ("2018-05-01", "2019-05-01", "2020-06-01", "2022-09-01", "2023-11-01")


def endpoints(base_url: str, version: str) -> Answer:
    """The one cloud; in the versions of 2019 to 2021 a list of clouds."""
    if version not in VERSIONS:
        text = f"The api-version '{version}' is invalid. The supported versions are '{', '.join(VERSIONS)}'."
        return Answer(status=400, body={"error": {"code": "InvalidApiVersionParameter", "message": text}})
    cloud: dict[str, Any] = {
        "name": "AzureSimulator",
        "portal": NOWHERE,
        "authentication": {
            "loginEndpoint": NOWHERE,
            "audiences": [base_url],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "graphAudience": NOWHERE,
        "graph": NOWHERE,
        "microsoftGraphResourceId": NOWHERE,
        "resourceManager": base_url,
        "media": NOWHERE,
        "batch": NOWHERE,
        "gallery": NOWHERE,
        "suffixes": {"storage": "core.simulator.invalid", "keyVaultDns": "vault.simulator.invalid"},
    }
    if version == "2018-05-01":
        audiences = {"loginEndpoint": NOWHERE, "audiences": [base_url]}
        return Answer(body={"galleryEndpoint": NOWHERE, "graphEndpoint": NOWHERE, "authentication": audiences})
    return Answer(body=[cloud] if version < "2022" else cloud)
