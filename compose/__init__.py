"""How the tracker is put together and run: environment, embedded servers, and one supervisor over all."""
