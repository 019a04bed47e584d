"""How the tracker is put together and run: the environment, the embedded servers, and one supervisor over all processes."""
