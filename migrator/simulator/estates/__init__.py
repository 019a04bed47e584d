"""The named estates, built in wire format."""
