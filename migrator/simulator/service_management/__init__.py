"""The service-management (RDFE) face of the simulator: the older XML API over the same platform (azure.md 1.4, 2.5)."""
