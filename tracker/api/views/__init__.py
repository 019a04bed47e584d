"""The addresses of the API, by slice."""
