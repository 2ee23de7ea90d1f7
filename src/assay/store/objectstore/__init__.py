"""Object stores: where a remote keeps named bytes; the port, and one module per kind."""
